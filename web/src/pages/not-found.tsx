import type { PageProps } from "../ui/layout";

export const notFound: PageProps = {
  path: "/404",
  title: "Not found",
  about: "There is no such page.",
  kind: "text",
  children: (
    <>
      <h1>There is no such page</h1>
      <p>
        The address may be old or mistyped. Start at the <a href="/">home page</a>, look into the{" "}
        <a href="/docs">docs</a>, or <a href="/support">write to support</a>.
      </p>
    </>
  ),
};
