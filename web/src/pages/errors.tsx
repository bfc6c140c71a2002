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

export const failed: PageProps = {
  path: "/500",
  title: "That did not work",
  about: "Something went wrong on our side.",
  kind: "text",
  children: (
    <>
      <h1>That did not work</h1>
      <p>
        Something went wrong on our side. Try again in a moment. Jobs that were accepted are not
        lost; the <a href="/status">status</a> tells whether more is wrong. If it stays,{" "}
        <a href="/support">write to support</a>.
      </p>
    </>
  ),
};
