// The privacy policy and the terms: the newest version, and each there was.
import type { PageProps } from "../ui/layout";
import { html, named, texts, type Text } from "../docs/markdown";

const KINDS = [
  {
    folder: "policies",
    path: "/privacy",
    title: "Privacy policy",
    about: "What this service keeps, how long, who sees it, and what you can do.",
  },
  { folder: "terms", path: "/terms", title: "Terms", about: "What you and we agree to." },
];

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });

function told(version: Text): string {
  return `Version ${version.head.version}, ${day.format(new Date(version.head.date ?? ""))}`;
}

function pagesOf(kind: (typeof KINDS)[number]): PageProps[] {
  const versions = texts(kind.folder).sort((a, b) =>
    (b.head.date ?? "").localeCompare(a.head.date ?? ""),
  );
  const page = (version: Text, path: string): PageProps => ({
    path,
    title: path === kind.path ? kind.title : `${kind.title}, version ${version.head.version}`,
    about: kind.about,
    kind: "text",
    children: (
      <>
        <h1>{kind.title}</h1>
        <p class="soft">
          {told(version)}
          {version !== versions[0] && <>. An earlier version: <a href={kind.path}>the newest</a></>}
        </p>
        <div dangerouslySetInnerHTML={{ __html: html(named(version.markdown)).html }} />
        <h2>Versions</h2>
        <ul>
          {versions.map((each) => (
            <li key={each.name}><a href={`${kind.path}/${each.name}`}>{told(each)}</a></li>
          ))}
        </ul>
      </>
    ),
  });
  return [
    page(versions[0]!, kind.path),
    ...versions.map((version) => page(version, `${kind.path}/${version.name}`)),
  ];
}

export const legalPages = KINDS.flatMap(pagesOf);
