import { docs, guides, markdownPath, references, rendered, type Page } from "../docs";
import type { PageProps } from "../ui/layout";

function Navigation({ path }: { path: string }) {
  const links = (pages: Page[]) => (
    <ul>
      {pages.map((page) => (
        <li key={page.path}>
          <a href={page.path} aria-current={page.path === path ? "page" : undefined}>{page.title}</a>
        </li>
      ))}
    </ul>
  );
  return (
    <>
      <p>Guides</p>
      {links(guides)}
      <p>Reference</p>
      {links(references)}
    </>
  );
}

function docsPage(page: Page): PageProps {
  const { html, headings } = rendered(page);
  const contents = headings.filter(({ level }) => level === 2 || (level === 3 && page.path === "/docs/api"));
  return {
    path: page.path,
    title: page.title,
    about: page.about,
    kind: "docs",
    scripts: ["docs.tsx"],
    children: (
      <>
        <div class="side">
          <div id="search" class="search" />
          <nav aria-label="Docs" class="wide-only"><Navigation path={page.path} /></nav>
          <details class="narrow-only">
            <summary>All pages of the docs</summary>
            <nav aria-label="Docs, on small screens"><Navigation path={page.path} /></nav>
          </details>
        </div>
        <article>
          <h1>{page.title}</h1>
          <p class="lead">{page.about}</p>
          {contents.length > 3 && (
            <details class="contents" open={page.path !== "/docs/api" && contents.length < 12}>
              <summary>On this page</summary>
              <ul>
                {contents.map(({ id, text, level }) => (
                  <li key={id} class={level === 3 ? "deep" : undefined}>
                    <a href={`#${id}`} dangerouslySetInnerHTML={{ __html: text }} />
                  </li>
                ))}
              </ul>
            </details>
          )}
          <div dangerouslySetInnerHTML={{ __html: html }} />
          <p class="soft after">
            <a href={markdownPath(page.path)}>This page as Markdown</a> · <a href="/docs.md">all of them</a>
            {" "}· <a href="/llms.txt">llms.txt</a>
          </p>
        </article>
      </>
    ),
  };
}

export const docsPages = docs.map(docsPage);
