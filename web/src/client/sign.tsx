// Sign-up, sign-in, a forgotten password, and where the links in the mails lead.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isAuthRetryableFetchError, type AuthError } from "@supabase/auth-js";
import { Check, EMAIL, Field, Form, Note, SHORTEST_PASSWORD, useAction } from "./forms";
import { ownPath } from "./own-path";
import { auth, session } from "./session";

/** What a mail's link brought; read before the client takes the tokens out of the address. */
const brought = new URLSearchParams(location.hash.slice(1));
const asked = new URLSearchParams(location.search);
const RESEND_SECONDS = 60;

type Faults = Record<string, string>;

/** Where to go after signing in: always a page of this site. */
function next(): string {
  return ownPath(asked.get("next"), location.origin, "/dashboard");
}

function withNext(path: string): string {
  return asked.has("next") ? `${path}?next=${encodeURIComponent(next())}` : path;
}

/** What Auth refused, and what to do about it. */
function explained(error: AuthError): Error {
  const sentences: Record<string, string> = {
    invalid_credentials: "The email or the password is not right.",
    email_not_confirmed: "This address is not confirmed yet. Follow the link in the mail first.",
    over_email_send_rate_limit: "A mail was sent a moment ago. Wait a minute, then try again.",
    over_request_rate_limit: "Too many attempts. Wait a few minutes, then try again.",
    same_password: "This is the password you have. Choose another one.",
    email_address_invalid: "Mail can't be sent to this address. Use another one.",
    user_already_exists: "There is an account with this address. Sign in, or reset the password.",
    email_exists: "There is an account with this address. Sign in, or reset the password.",
    signup_disabled: "New accounts are not opened just now.",
    user_banned: "This account is closed. Write to support if that is a mistake.",
    session_not_found: "This link has expired. Request a new link.",
    otp_expired: "The link was used before, or it is too old. Ask for a new one.",
  };
  if (isAuthRetryableFetchError(error))
    return new Error("The login can't be reached. Is this device online? Try again in a moment.");
  return new Error(sentences[error.code ?? ""] ?? error.message);
}

function checked(faults: Record<string, string | false>): Faults {
  return Object.fromEntries(
    Object.entries(faults).filter((pair): pair is [string, string] => pair[1] !== false),
  );
}

function emailFault(email: string): string | false {
  return !EMAIL.test(email.trim()) && "Write an address such as name@example.com.";
}

function passwordFault(password: string): string | false {
  return password.length < SHORTEST_PASSWORD && `Use at least ${SHORTEST_PASSWORD} characters.`;
}

function SignUp() {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [over13, setOver13] = useState(false);
  const [agreed, setAgreed] = useState(false);
  const [faults, setFaults] = useState<Faults>({});
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();

  const check = () =>
    checked({
      name: !name.trim() && "Write your name.",
      email: emailFault(email),
      password: passwordFault(password),
      over_13: !over13 && "An account needs somebody who is 13 or older.",
      agreed: !agreed && "An account needs your agreement.",
    });
  const send = () =>
    run(async () => {
      const { data, error: refused } = await (await auth()).signUp({
        email: email.trim(),
        password,
        options: {
          data: { name: name.trim(), over_13: true },
          emailRedirectTo: location.origin + withNext("/confirm"),
        },
      });
      if (refused) throw explained(refused);
      if (data.session) location.assign(next());
      else setSent(true);
    });

  if (sent)
    return (
      <>
        <Note tone="good" focus>
          We have sent a mail to <strong>{email.trim()}</strong>. Follow its link, and the account
          is open.
        </Note>
        <p>
          No mail after some minutes? Look into the spam folder. An address that has an account gets
          no second one: <a href={withNext("/sign-in")}>sign in</a> or{" "}
          <a href="/reset">reset the password</a>.
        </p>
        <Resend email={email.trim()} waiting />
        <p>
          <button type="button" class="link" onClick={() => setSent(false)}>
            Use another address
          </button>
        </p>
      </>
    );
  return (
    <>
      <Form check={check} onFaults={setFaults} onSend={send} label="Sign up">
        <Field label="Name" name="name" value={name} onValue={setName} error={faults.name}
          autocomplete="name" maxLength={200} required />
        <Field label="Email" name="email" type="email" value={email} onValue={setEmail}
          error={faults.email} autocomplete="email" maxLength={254} required />
        <Field label="Password" name="password" type="password" value={password}
          onValue={setPassword} error={faults.password} autocomplete="new-password" required
          help={`At least ${SHORTEST_PASSWORD} characters.`} />
        <Check name="over_13" checked={over13} onChecked={setOver13} error={faults.over_13}>
          I am 13 or older
        </Check>
        <Check name="agreed" checked={agreed} onChecked={setAgreed} error={faults.agreed}>
          I agree to the <a href="/privacy" target="_blank" rel="noopener">privacy policy</a> and
          the <a href="/terms" target="_blank" rel="noopener">terms</a>
        </Check>
        {error && <Note tone="bad">{error}</Note>}
        <button class="main" disabled={busy}>{busy ? "One moment…" : "Sign up"}</button>
      </Form>
      <p class="after">
        You have an account? <a href={withNext("/sign-in")}>Sign in</a>
      </p>
    </>
  );
}

function SignIn() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  const [unconfirmed, setUnconfirmed] = useState(false);
  const { busy, error, run } = useAction();

  useEffect(() => {
    session().then((there) => there && location.replace(next()), () => undefined);
  }, []);

  const check = () =>
    checked({ email: emailFault(email), password: !password && "Write your password." });
  const send = () =>
    run(async () => {
      setUnconfirmed(false);
      const { error: refused } = await (await auth()).signInWithPassword({
        email: email.trim(),
        password,
      });
      if (!refused) return location.assign(next());
      setUnconfirmed(refused.code === "email_not_confirmed");
      throw explained(refused);
    });

  return (
    <>
      {asked.has("deleted") && (
        <Note focus>The account is closed, and all of it is deleted now. A mail confirms it.</Note>
      )}
      {asked.has("next") && <p class="soft">Sign in, and you get where you wanted to go.</p>}
      <Form check={check} onFaults={setFaults} onSend={send} label="Sign in">
        <Field label="Email" name="email" type="email" value={email} onValue={setEmail}
          error={faults.email} autocomplete="username" maxLength={254} required />
        <Field label="Password" name="password" type="password" value={password}
          onValue={setPassword} error={faults.password} autocomplete="current-password" required />
        {error && <Note tone="bad">{error}</Note>}
        <button class="main" disabled={busy}>{busy ? "One moment…" : "Sign in"}</button>
      </Form>
      {unconfirmed && <Resend email={email.trim()} />}
      <p class="after">
        <a href="/reset">Forgotten the password?</a>
      </p>
      <p>
        No account yet? <a href={withNext("/sign-up")}>Sign up</a>
      </p>
    </>
  );
}

/** Sends the mail that confirms an address again; not more often than Auth allows. */
function Resend(props: { email: string; waiting?: boolean; atOnce?: boolean }) {
  const { email, waiting, atOnce } = props;
  const [left, setLeft] = useState(waiting ? RESEND_SECONDS : 0);
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  const send = () =>
    run(async () => {
      const { error: refused } = await (await auth()).resend({
        type: "signup",
        email,
        options: { emailRedirectTo: location.origin + withNext("/confirm") },
      });
      if (refused) throw explained(refused);
      setSent(true);
      setLeft(RESEND_SECONDS);
    });
  useEffect(() => {
    if (atOnce) void send();
  }, []);
  return (
    <div class="after">
      {sent && <Note tone="good">If the address waits for its confirmation, a mail is on its way.</Note>}
      {error && <Note tone="bad">{error}</Note>}
      <button type="button" disabled={busy || left > 0} onClick={send}>
        {left > 0 ? `Send the mail again (in ${left} s)` : "Send the mail again"}
      </button>
    </div>
  );
}

/** For visitors whose link no longer works: asks for the address first. */
function AskAndResend() {
  const [email, setEmail] = useState("");
  const [chosen, setChosen] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  if (chosen) return <Resend email={chosen} atOnce />;
  return (
    <Form
      check={() => checked({ email: emailFault(email) })}
      onFaults={setFaults}
      onSend={() => setChosen(email.trim())}
      label="A new link"
    >
      <Field label="Email" name="email" type="email" value={email} onValue={setEmail}
        error={faults.email} autocomplete="email" maxLength={254} required />
      <button>Send a new mail</button>
    </Form>
  );
}

function Reset() {
  const [state, setState] = useState<"ask" | "wait" | "choose">(
    brought.has("access_token") ? "wait" : "ask",
  );
  const [failed, setFailed] = useState(linkFault());
  useEffect(() => {
    if (state !== "wait") return void cleanAddress();
    opened().then(
      () => setState("choose"),
      (error: Error) => {
        setFailed(error.message);
        setState("ask");
      },
    );
  }, []);
  if (state === "wait") return <p class="soft" role="status">Looking at the link…</p>;
  if (state === "choose") return <NewPassword />;
  return <AskForReset failed={failed} />;
}

function AskForReset({ failed }: { failed: string }) {
  const [email, setEmail] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();
  const send = () =>
    run(async () => {
      const { error: refused } = await (await auth()).resetPasswordForEmail(email.trim(), {
        redirectTo: `${location.origin}/reset`,
      });
      if (refused) throw explained(refused);
      setSent(true);
    });
  if (sent)
    return (
      <>
        <Note tone="good" focus>
          If there is an account for <strong>{email.trim()}</strong>, a mail is on its way. Its link
          leads back here, where you choose a new password.
        </Note>
        <p>The link works once, for an hour. Open it in this browser or any other.</p>
        <p>
          <button type="button" class="link" onClick={() => setSent(false)}>
            Send another mail
          </button>
        </p>
      </>
    );
  return (
    <>
      {failed && <Note tone="bad">{failed}</Note>}
      <p>Write your address. A mail brings a link that lets you choose a new password.</p>
      <Form
        check={() => checked({ email: emailFault(email) })}
        onFaults={setFaults}
        onSend={send}
        label="Reset the password"
      >
        <Field label="Email" name="email" type="email" value={email} onValue={setEmail}
          error={faults.email} autocomplete="username" maxLength={254} required />
        {error && <Note tone="bad">{error}</Note>}
        <button class="main" disabled={busy}>{busy ? "One moment…" : "Send the mail"}</button>
      </Form>
      <p class="after">
        <a href="/sign-in">Back to the sign-in</a>
      </p>
    </>
  );
}

function NewPassword() {
  const [password, setPassword] = useState("");
  const [faults, setFaults] = useState<Faults>({});
  const [done, setDone] = useState(false);
  const { busy, error, run } = useAction();
  const send = () =>
    run(async () => {
      const { error: refused } = await (await auth()).updateUser({ password });
      if (refused) throw explained(refused);
      setDone(true);
    });
  if (done)
    return (
      <>
        <Note tone="good" focus>The new password counts from now on, and you are signed in.</Note>
        <p>
          <a class="button main" href="/dashboard">Go to the dashboard</a>
        </p>
      </>
    );
  return (
    <>
      <p>The link is right. Choose the new password.</p>
      <Form
        check={() => checked({ password: passwordFault(password) })}
        onFaults={setFaults}
        onSend={send}
        label="New password"
      >
        <Field label="New password" name="password" type="password" value={password}
          onValue={setPassword} error={faults.password} autocomplete="new-password" required
          help={`At least ${SHORTEST_PASSWORD} characters.`} />
        {error && <Note tone="bad">{error}</Note>}
        <button class="main" disabled={busy}>{busy ? "One moment…" : "Save the password"}</button>
      </Form>
    </>
  );
}

function Confirm() {
  const kind = brought.get("type");
  const message = brought.get("message");
  const [failed, setFailed] = useState(linkFault());
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (kind === "recovery" || kind === "invite") {
      return location.replace(`/reset${location.hash}`); // a password is to be chosen first
    }
    if (!brought.has("access_token")) return void cleanAddress();
    opened().then(
      () => (kind === "magiclink" ? location.replace(next()) : setDone(true)),
      (error: Error) => setFailed(error.message),
    );
  }, []);
  if (failed)
    return (
      <>
        <Note tone="bad" focus>{failed}</Note>
        <p>
          If you have followed it before, nothing is left to do: <a href="/sign-in">sign in</a>.
          Otherwise ask for a new mail:
        </p>
        <AskAndResend />
        <p class="after">
          Forgot your password? <a href="/reset">Request that link again</a>. A new
          address is asked for in the <a href="/settings">settings</a>.
        </p>
      </>
    );
  if (done)
    return (
      <>
        <Note tone="good" focus>
          {kind === "email_change"
            ? "The new address counts from now on."
            : "The address is confirmed, and you are signed in."}
        </Note>
        <p>
          <a class="button main" href={next()}>
            {next() === "/dashboard" ? "Go to the dashboard" : "Go on"}
          </a>
        </p>
      </>
    );
  if (message)
    return (
      <Note tone="good" focus>
        One of the two links is followed. Follow the one in the mail to the other address as well;
        then the new address counts.
      </Note>
    );
  if (brought.has("access_token")) return <p class="soft" role="status">Looking at the link…</p>;
  return (
    <>
      <p>The links in our mails lead here. Open the newest mail and follow its link.</p>
      <p>
        <a href="/sign-in">Sign in</a> · <a href="/sign-up">Sign up</a> ·{" "}
        <a href="/reset">Reset the password</a>
      </p>
    </>
  );
}

/** Why a mail's link does not work, or nothing. */
function linkFault(): string {
  const given = [brought, asked];
  const code = given.map((each) => each.get("error_code")).find((each) => each !== null);
  if (!code && !given.some((each) => each.has("error_description"))) return "";
  if (code === "otp_expired") return "This link was used before, or it is too old.";
  // Anybody can write an address, so its texts are not shown; a code is one word.
  return `This link does not work${code && /^[a-z_]{1,60}$/.test(code) ? ` (${code})` : ""}.`;
}

/** Waits until the client has taken the session out of the address. */
async function opened(): Promise<void> {
  const { error } = await (await auth()).initialize();
  cleanAddress();
  if (error) throw explained(error);
  if (!(await session())) throw new Error("The link brought no session. Ask for a new one.");
}

/** What a link brought is nobody's to copy out of the address bar. */
function cleanAddress(): void {
  if (location.href.includes("#")) history.replaceState(null, "", location.pathname + location.search);
}

const PAGES = { "/sign-up": SignUp, "/sign-in": SignIn, "/reset": Reset, "/confirm": Confirm };

const root = document.getElementById("sign");
const Page = PAGES[location.pathname.replace(/\/+$/, "") as keyof typeof PAGES];
if (root && Page) {
  root.replaceChildren();
  render(<Page />, root);
}
