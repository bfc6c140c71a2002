import { OPERATOR, type PageProps } from "../ui/layout";

export const support: PageProps = {
  path: "/support",
  title: "Support",
  about: "Write to us.",
  kind: "text",
  scripts: ["support.tsx"],
  children: (
    <>
      <h1>Support</h1>
      <p>
        Write what you need or what went wrong; we answer by mail. Is it about a job? Report it from
        the <a href="/jobs">job's page</a>: only then may we look at its files.
      </p>
      <div id="support">
        <p class="soft">Loading…</p>
      </div>
      <p class="after">
        By mail: <a href={`mailto:${OPERATOR.support}`}>{OPERATOR.support}</a>
      </p>
    </>
  ),
};
