// The stock JavaScript client through a person's life, against the addresses in the environment.
// Prints one JSON object: what each step gave. Mails are read from the sink's pages.
import { createClient } from "@supabase/supabase-js";

globalThis.WebSocket ??= class {}; // Node before 22 has none; realtime is not used
const { SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, API_URL, EMAIL, SITE } = process.env;
const told = {};
const supabase = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, {
  auth: { persistSession: false, autoRefreshToken: false },
});

function good({ data, error }) {
  if (error) throw error;
  return data;
}

async function newest(subject) {
  for (let tries = 0; tries < 100; tries++) {
    const list = await (await fetch(`${SUPABASE_URL}/mail/`)).text();
    const rows = list.split("<tr>").filter((row) => row.includes(EMAIL) && row.includes(subject));
    if (rows.length) {
      const page = await fetch(SUPABASE_URL + rows[0].match(/href="([^"]+)"/)[1]);
      return await page.text();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no mail: ${subject}`);
}

async function follow(page) {
  const link = page.match(/href="([^"]*\/auth\/v1\/verify[^"]*)"/)[1].replaceAll("&amp;", "&");
  const answer = await fetch(link, { redirect: "manual" });
  return new URLSearchParams(new URL(answer.headers.get("location")).hash.slice(1));
}

const refused = await supabase.auth.signUp({ email: EMAIL, password: "correct horse 1" });
told.without_over_13 = refused.error.message;

const options = { data: { name: "Ann", over_13: true }, emailRedirectTo: SITE };
const made = good(await supabase.auth.signUp({ email: EMAIL, password: "correct horse 1", options }));
told.session_before_confirmation = made.session;
const early = await supabase.auth.signInWithPassword({ email: EMAIL, password: "correct horse 1" });
told.before_confirmation = early.error.code;

told.confirmed = (await follow(await newest("onfirm"))).get("type");
const signed = good(await supabase.auth.signInWithPassword({ email: EMAIL, password: "correct horse 1" }));
told.name = signed.user.user_metadata.name;
const refreshed = good(await supabase.auth.refreshSession());
told.refreshed = refreshed.session.access_token !== signed.session.access_token;
told.wrong_password = (await supabase.auth.signInWithPassword({ email: EMAIL, password: "x" })).error.code;

const account = await fetch(`${API_URL}/v1/account`, {
  headers: { Authorization: `Bearer ${refreshed.session.access_token}` },
});
const mine = await account.json();
told.account = mine.email ?? JSON.stringify(mine);

good(await supabase.auth.resetPasswordForEmail(EMAIL, { redirectTo: SITE }));
const recovery = await follow(await newest("eset"));
good(
  await supabase.auth.setSession({
    access_token: recovery.get("access_token"),
    refresh_token: recovery.get("refresh_token"),
  }),
);
good(await supabase.auth.updateUser({ password: "another horse 2" }));
good(await supabase.auth.signOut({ scope: "global" }));
told.new_password = good(
  await supabase.auth.signInWithPassword({ email: EMAIL, password: "another horse 2" }),
).user.email;

// A leaked publishable key, and a person's own token, read none of our tables.
const rows = await supabase.from("accounts").select("*");
told.rows = rows.data;
told.files = (await supabase.storage.from("uploads").list()).data;
good(await supabase.auth.signOut());
console.log(JSON.stringify(told));
