import type { PageProps } from "../ui/layout";

/** One page for all that needs a sign-in; its script draws what the address names. */
export const app: PageProps = {
  path: "/app",
  title: "Dashboard",
  about: "Your jobs, keys, usage and billing.",
  scripts: ["app.tsx"],
  children: (
    <div id="app">
      <p class="soft">Loading…</p>
      <noscript>This page needs JavaScript. The API works without it.</noscript>
    </div>
  ),
};
