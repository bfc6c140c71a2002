// The docs: a list of pages beside, the text, what comes before and next.
import type { PageProps } from "../ui/layout";
import { docs, type Doc } from "../docs/all";
import { twin } from "../docs/twins";
import { html, type Heading } from "./markdown";

function Contents({ here, headings }: { here: Doc; headings: Heading[] }) {
  return (
    <ul>
      {docs.map((doc) => (
        <li key={doc.path}>
          <a href={doc.path} aria-current={doc === here ? "page" : undefined}>{doc.title}</a>
          {doc === here && headings.length > 1 && (
            <ul>
              {headings.map(({ id, text }) => (
                <li key={id}><a href={`#${id}`} dangerouslySetInnerHTML={{ __html: text }} /></li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

function page(doc: Doc, index: number): PageProps {
  const text = html(doc.markdown);
  const contents = (
    <Contents here={doc} headings={text.headings.filter(({ level }) => level === 2)} />
  );
  const before = docs[index - 1];
  const next = docs[index + 1];
  return {
    path: doc.path,
    title: doc.title,
    about: doc.about,
    scripts: ["docs.tsx"],
    children: (
      <div class="docs">
        <div class="docs-side">
          <div id="search" />
          <nav aria-label="Docs" class="docs-list">{contents}</nav>
          <details class="docs-menu">
            <summary>All pages of the docs</summary>
            <nav aria-label="Docs">{contents}</nav>
          </details>
        </div>
        <article>
          <h1>{doc.title}</h1>
          <p class="lead">{doc.about}</p>
          <div dangerouslySetInnerHTML={{ __html: text.html }} />
          <nav class="docs-ends" aria-label="Before and next">
            {before && <a href={before.path} rel="prev">← {before.title}</a>}
            {next && <a href={next.path} rel="next">{next.title} →</a>}
          </nav>
          <p class="soft">
            This page as <a href={twin(doc)}>Markdown</a>; all of them{" "}
            <a href="/docs.md">in one file</a>.
          </p>
        </article>
      </div>
    ),
  };
}

export const docsPages: PageProps[] = docs.map(page);
