// The login: Supabase Auth's own client. The session is kept by it in this browser.
import { GoTrueClient, type Session } from "@supabase/auth-js";
import { site } from "./config";

const STORED = "ffmpeg-micro-session";

let made: Promise<GoTrueClient> | undefined;

export function auth(): Promise<GoTrueClient> {
  made ??= site().then(
    ({ supabase_url, publishable_key }) =>
      new GoTrueClient({
        url: `${supabase_url}/auth/v1`,
        headers: { apikey: publishable_key },
        storageKey: STORED,
        autoRefreshToken: true,
        persistSession: true,
        // Nowhere else may an address sign anybody in.
        detectSessionInUrl: ["/confirm", "/reset"].includes(location.pathname.replace(/\/+$/, "")),
        flowType: "implicit",
      }),
  );
  return made;
}

/** The session as it is now, refreshed if need be; null when nobody is signed in. */
export async function session(): Promise<Session | null> {
  const { data } = await (await auth()).getSession();
  return data.session;
}

/** Drops a session that Auth no longer knows; the page navigates away. */
export function forget(): void {
  localStorage.removeItem(STORED);
}
