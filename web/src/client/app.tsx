// The dashboard: one page, its parts by address. Who is not signed in goes to the sign-in.
import { render, type ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Note, told } from "./forms";
import { auth, session } from "./session";
import { AccessLog, Reports } from "./app/logs";
import { BillingPage } from "./app/billing";
import { JobPage } from "./app/job";
import { Jobs } from "./app/jobs";
import { Keys } from "./app/keys";
import { Overview } from "./app/overview";
import { Title } from "./app/parts";
import { followLinks, signInAgain, useAddress } from "./app/router";
import { Settings } from "./app/settings";
import { UsagePage } from "./app/usage";

/** Loaded when it is gone to. */
const LATER = import.meta.glob<{ default: ComponentType }>("./app/playground.tsx");
const playground = LATER["./app/playground.tsx"];

const PAGES: [path: string, label: string, page: ComponentType][] = [
  ["/dashboard", "Overview", Overview],
  ["/jobs", "Jobs", Jobs],
  ...(playground ? [["/playground", "Playground", Playground] as [string, string, ComponentType]] : []),
  ["/keys", "Keys", Keys],
  ["/usage", "Usage", UsagePage],
  ["/billing", "Billing", BillingPage],
  ["/settings", "Settings", Settings],
  ["/reports", "Reports", Reports],
  ["/access-log", "Access log", AccessLog],
];

function owns(path: string): boolean {
  return path.startsWith("/jobs/") || PAGES.some(([known]) => known === path);
}

function App() {
  const path = useAddress().pathname.replace(/(.)\/+$/, "$1");
  const tabs = useRef<HTMLElement>(null);
  // On a small screen the row of tabs is longer than the screen.
  useEffect(() => {
    const nav = tabs.current;
    const current = nav?.querySelector<HTMLElement>("[aria-current]");
    if (nav && current) nav.scrollLeft = current.offsetLeft - nav.clientWidth / 2;
  }, [path]);
  return (
    <>
      <nav ref={tabs} class="tabs" aria-label="Dashboard">
        {PAGES.map(([to, label]) => (
          <a
            href={to}
            aria-current={path === to ? "page" : path.startsWith(`${to}/`) ? "true" : undefined}
          >
            {label}
          </a>
        ))}
        <button type="button" class="link" onClick={signOut}>Sign out</button>
      </nav>
      <Part path={path} key={path} />
    </>
  );
}

function Part({ path }: { path: string }) {
  if (path.startsWith("/jobs/")) return <JobPage id={path.slice("/jobs/".length)} />;
  const Page = PAGES.find(([known]) => known === path)?.[2];
  if (Page) return <Page />;
  return (
    <>
      <Title page="Not found">There is no such page</Title>
      <p>Go on with the <a href="/dashboard">overview</a>.</p>
    </>
  );
}

function Playground() {
  const [Page, setPage] = useState<ComponentType>();
  const [error, setError] = useState("");
  useEffect(() => {
    playground?.().then(
      (module) => setPage(() => module.default),
      (failed) => setError(told(failed)),
    );
  }, []);
  if (error) return <Note tone="bad">{error}</Note>;
  return Page ? <Page /> : <p class="soft" role="status">Loading…</p>;
}

async function signOut(): Promise<void> {
  await (await auth()).signOut({ scope: "local" });
  location.assign("/");
}

async function start(root: HTMLElement): Promise<void> {
  try {
    if (!(await session())) return signInAgain();
  } catch (error) {
    root.replaceChildren();
    render(<Note tone="bad">{told(error)}</Note>, root);
    return;
  }
  // Signed out in another tab.
  (await auth()).onAuthStateChange((event) => {
    if (event === "SIGNED_OUT" && !document.hasFocus()) signInAgain();
  });
  followLinks(root, owns);
  root.replaceChildren();
  render(<App />, root);
}

const root = document.getElementById("app");
if (root) void start(root);
