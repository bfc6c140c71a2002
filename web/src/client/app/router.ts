// Pages of the dashboard by address; only the part below the navigation is rendered again.
import { useEffect, useState } from "preact/hooks";

const listeners = new Set<() => void>();

export function navigate(to: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  for (const listener of listeners) listener();
}

/** The address as it is now. */
export function useAddress(): URL {
  const [address, setAddress] = useState(location.href);
  useEffect(() => {
    const changed = () => setAddress(location.href);
    listeners.add(changed);
    addEventListener("popstate", changed);
    return () => {
      listeners.delete(changed);
      removeEventListener("popstate", changed);
    };
  }, []);
  return new URL(address);
}

/** Lets plain links to pages of `owns` be followed without reloading the page. */
export function followLinks(root: HTMLElement, owns: (path: string) => boolean): void {
  root.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download")) return;
    const target = new URL(link.href, location.href);
    if (target.origin !== location.origin || !owns(target.pathname)) return;
    event.preventDefault();
    navigate(target.pathname + target.search + target.hash);
    scrollTo(0, 0);
  });
}

export function signInAgain(): void {
  const back = encodeURIComponent(location.pathname + location.search);
  location.replace(`/sign-in?next=${back}`);
}
