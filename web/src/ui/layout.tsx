// The frame of every page: head, skip link, header, footer. Made at build time, no inline script.
import type { ComponentChildren } from "preact";

export interface PageProps {
  title: string;
  /** What search engines and shared links show. */
  about: string;
  path: string;
  /** Entries of vite.config.ts that the page loads. */
  scripts?: string[];
  kind?: "narrow" | "text" | "docs";
  children: ComponentChildren;
}

/** Addresses of what the build made. */
export interface Assets {
  style: string;
  script(entry: string): string;
  /** What a script loads itself, to be fetched beside it. */
  imports(entry: string): string[];
}

export const OPERATOR = {
  name: process.env.OPERATOR_NAME || "the operator of this service",
  place: process.env.OPERATOR_PLACE || "",
  support: process.env.SUPPORT_EMAIL || "support@localhost.localdomain",
};

/**
 * Narrows the Content-Security-Policy of vercel.json, which can't name the project: that header
 * allows all of Supabase, this one our own project alone, and browsers enforce both. tools/build.py
 * sets POLICY_PROJECT; on one machine local/vercel/site.py writes the address into the header itself.
 */
const PROJECT = process.env.POLICY_PROJECT && new URL(process.env.POLICY_PROJECT).origin;
const POLICY =
  PROJECT &&
  `connect-src 'self' ${PROJECT}; img-src 'self' blob: ${PROJECT}; media-src 'self' blob: ${PROJECT}`;

const LINKS = [
  ["/pricing", "Pricing"],
  ["/docs", "Docs"],
  ["/dashboard", "Dashboard"],
] as const;

export function Layout(props: PageProps & { assets: Assets }) {
  const { assets, title, about, path, scripts = [] } = props;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        {POLICY && <meta http-equiv="Content-Security-Policy" content={POLICY} />}
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{path === "/" ? title : `${title} · FFmpeg Micro`}</title>
        <meta name="description" content={about} />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href={assets.style} />
        {scripts.flatMap(assets.imports).map((href) => (
          <link rel="modulepreload" href={href} />
        ))}
        {scripts.map((entry) => (
          <script type="module" src={assets.script(entry)} />
        ))}
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header class="site">
          <div>
            <a class="brand" href="/">FFmpeg Micro</a>
            {LINKS.map(([href, label]) => (
              <a href={href} aria-current={path.startsWith(href) ? "page" : undefined}>{label}</a>
            ))}
          </div>
        </header>
        <main id="content" class={props.kind} tabIndex={-1}>{props.children}</main>
        <footer class="site">
          <div>
            <span>Run by {OPERATOR.name}{OPERATOR.place ? `, ${OPERATOR.place}` : ""}</span>
            <a href="/privacy">Privacy</a>
            <a href="/terms">Terms</a>
            <a href="/support">Support</a>
            <a href="/status">Status</a>
            <a href="/openapi.yaml">OpenAPI</a>
            <a href="/docs/security">Security</a>
          </div>
        </footer>
      </body>
    </html>
  );
}
