import type { PageProps } from "../ui/layout";

export const status: PageProps = {
  path: "/status",
  title: "Status",
  about: "Whether the service works just now.",
  kind: "text",
  scripts: ["status.tsx"],
  children: (
    <>
      <h1>Status</h1>
      <div id="status">
        <p class="soft">Loading…</p>
        <noscript>
          This page needs JavaScript. <a href="/v1/status">GET /v1/status</a> tells the same.
        </noscript>
      </div>
    </>
  ),
};
