// The account: name, address, password, how long files are kept, export, sessions, deletion.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { site } from "../config";
import { EMAIL, Field, Form, Note, SHORTEST_PASSWORD, told, useAction } from "../forms";
import { auth, forget } from "../session";
import { seconds } from "../format";
import { Ask, Moment, Title, useApi, Waiting, type Loaded } from "./parts";
import type { Account, Export } from "../types";

interface Changed {
  account: Account;
  email_pending: string | null;
}

export function Settings() {
  const account = useApi<Account>("/v1/account");
  return (
    <>
      <Title page="Settings">Settings</Title>
      <Waiting of={account} />
      {account.data && (
        <div class="settings">
          <Name account={account.data} changed={account.set} />
          <Address account={account.data} />
          <Password email={account.data.email ?? ""} />
          <Retention account={account.data} changed={account.set} />
          <ExportPart />
          <Sessions />
          <Deletion email={account.data.email ?? ""} />
        </div>
      )}
    </>
  );
}

function Name({ account, changed }: { account: Account; changed(account: Account): void }) {
  const [name, setName] = useState(account.name ?? "");
  const [fault, setFault] = useState("");
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useAction();
  const send = () =>
    run(async () => {
      setSaved(false);
      const body = { name: name.trim() };
      changed((await api<Changed>("/v1/account", { method: "PATCH", body })).account);
      setSaved(true);
    });
  return (
    <section>
      <h2>Name</h2>
      <Form
        check={(): Record<string, string> => (name.trim() ? {} : { name: "Write your name." })}
        onFaults={(faults) => setFault(faults.name ?? "")}
        onSend={send}
        label="Name"
      >
        <Field label="Name" name="name" value={name} onValue={setName} error={fault}
          autocomplete="name" maxLength={200} />
        {error && <Note tone="bad">{error}</Note>}
        {saved && <Note tone="good">The name is saved.</Note>}
        <button disabled={busy}>Save the name</button>
      </Form>
    </section>
  );
}

function Address({ account }: { account: Account }) {
  const [email, setEmail] = useState("");
  const [fault, setFault] = useState("");
  const [pending, setPending] = useState("");
  const { busy, error, run } = useAction();
  const send = () =>
    run(async () => {
      const body = { email: email.trim() };
      const changed = await api<Changed>("/v1/account", { method: "PATCH", body });
      setPending(changed.email_pending ?? "");
      setEmail("");
    });
  return (
    <section>
      <h2>Email</h2>
      <p>It is <strong>{account.email}</strong>.</p>
      <Form
        check={(): Record<string, string> =>
          EMAIL.test(email.trim()) ? {} : { email: "Write an address such as name@example.com." }}
        onFaults={(faults) => setFault(faults.email ?? "")}
        onSend={send}
        label="Email"
      >
        <Field label="New address" name="email" type="email" value={email} onValue={setEmail}
          error={fault} autocomplete="email" maxLength={254}
          help="Both addresses get a mail; the new one counts once both links were followed." />
        {error && <Note tone="bad">{error}</Note>}
        {pending && (
          <Note tone="good">
            Mails to {account.email} and {pending} are on their way. Follow both links.
          </Note>
        )}
        <button disabled={busy}>Change the address</button>
      </Form>
    </section>
  );
}

function Password({ email }: { email: string }) {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [saved, setSaved] = useState(false);
  const { busy, error, run } = useAction();
  const check = () => {
    const found: Record<string, string> = {};
    if (!current) found.current = "Write the password you have.";
    if (password.length < SHORTEST_PASSWORD)
      found.password = `Use at least ${SHORTEST_PASSWORD} characters.`;
    return found;
  };
  const send = () =>
    run(async () => {
      setSaved(false);
      const client = await auth();
      const there = await client.signInWithPassword({ email, password: current });
      if (there.error?.code === "invalid_credentials")
        throw new Error("The current password is not right.");
      if (there.error) throw there.error;
      const { error: refused } = await client.updateUser({ password });
      if (refused?.code === "same_password")
        throw new Error("This is the password you have. Choose another one.");
      if (refused) throw refused;
      setCurrent("");
      setPassword("");
      setSaved(true);
    });
  return (
    <section>
      <h2>Password</h2>
      <Form check={check} onFaults={setFaults} onSend={send} label="Password">
        <input class="hidden" type="email" autocomplete="username" value={email} readOnly
          tabIndex={-1} aria-hidden="true" />
        <Field label="Current password" name="current" type="password" value={current}
          onValue={setCurrent} error={faults.current} autocomplete="current-password" />
        <Field label="New password" name="password" type="password" value={password}
          onValue={setPassword} error={faults.password} autocomplete="new-password"
          help={`At least ${SHORTEST_PASSWORD} characters.`} />
        {error && <Note tone="bad">{error}</Note>}
        {saved && <Note tone="good">The new password counts from now on.</Note>}
        <button disabled={busy}>Change the password</button>
      </Form>
      <p class="after"><a href="/reset">Forgotten the current one?</a></p>
    </section>
  );
}

const HOURS = [0, 1, 6, 24, 72];
type Kind = "inputs" | "outputs";

function Retention({ account, changed }: { account: Account; changed(account: Account): void }) {
  const [hours, setHours] = useState(account.retention);
  const [most, setMost] = useState<Record<Kind, number>>();
  const [saved, setSaved] = useState(false);
  const { busy, error, setError, run } = useAction();
  useEffect(() => {
    site().then(
      ({ input_hours, output_hours }) => setMost({ inputs: input_hours, outputs: output_hours }),
      (failed) => setError(told(failed)),
    );
  }, []);
  const send = () =>
    run(async () => {
      if (!most) return;
      setSaved(false);
      const wire = (kind: Kind) => (hours[kind] >= most[kind] ? null : hours[kind]);
      const retention = { inputs: wire("inputs"), outputs: wire("outputs") };
      changed(
        (await api<Changed>("/v1/account", { method: "PATCH", body: { retention } })).account,
      );
      setSaved(true);
    });
  return (
    <section>
      <h2>How long files are kept</h2>
      <p>
        Never longer than promised; shorter if you like. A shorter time counts for the files that
        are there too.
      </p>
      <Form onSend={send} label="How long files are kept">
        <Hours most={most?.inputs} label="Uploads" value={hours.inputs}
          onValue={(inputs) => setHours({ ...hours, inputs })} />
        <Hours most={most?.outputs} label="Outputs" value={hours.outputs}
          onValue={(outputs) => setHours({ ...hours, outputs })} />
        {error && <Note tone="bad">{error}</Note>}
        {saved && <Note tone="good">Saved.</Note>}
        <button disabled={busy}>Save</button>
      </Form>
    </section>
  );
}

interface HoursProps {
  /** The longest there is, once that is known. */
  most: number | undefined;
  label: string;
  value: number;
  onValue(hours: number): void;
}

function Hours({ most = 0, ...props }: HoursProps) {
  const id = useId();
  const choices = [...new Set([...HOURS.filter((each) => each < most), most, props.value])];
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        value={props.value}
        onChange={(event) => props.onValue(Number(event.currentTarget.value))}
      >
        {choices.sort((a, b) => a - b).map((each) => (
          <option key={each} value={each}>
            {each === 0
              ? "until the job ends"
              : seconds(each * 3600) + (each === most ? ", the longest" : "")}
          </option>
        ))}
      </select>
    </div>
  );
}

function ExportPart() {
  const newest = useApi<Export>("/v1/account/export", (read) =>
    read.status === "pending" ? 5_000 : 0,
  );
  const { busy, error, run } = useAction();
  const ask = () =>
    run(async () => {
      newest.set(await api<Export>("/v1/account/export", { method: "POST" }));
      newest.reload();
    });
  return (
    <section>
      <h2>Export</h2>
      <p>One archive of all that is held of you. A mail brings the link, which works for a day.</p>
      <ExportState newest={newest} />
      {error && <Note tone="bad">{error}</Note>}
      {newest.data?.status !== "pending" && (
        <button type="button" disabled={busy} onClick={ask}>Ask for an export</button>
      )}
    </section>
  );
}

function ExportState({ newest }: { newest: Loaded<Export> }) {
  const { data } = newest;
  if (!data || newest.error) return <Waiting of={newest} />;
  if (data.status === "pending")
    return (
      <Note>
        The archive is being made{data.created_at && <>; asked for <Moment at={data.created_at} /></>}.
      </Note>
    );
  if (data.status === "failed")
    return <Note tone="bad">We couldn't create the archive. Request it again.</Note>;
  if (data.status === "ready" && data.url)
    return (
      <Note tone="good">
        <a href={data.url}>Download the archive</a>
        {data.expires_at && <> (until <Moment at={data.expires_at} />)</>}
      </Note>
    );
  if (data.status === "none" || !data.created_at) return null;
  return <p class="soft">The last one, of <Moment at={data.created_at} short />, is deleted.</p>;
}

function Sessions() {
  return (
    <section>
      <h2>Sign out everywhere</h2>
      <p>Ends the sessions of all browsers, this one too. Keys of the API go on.</p>
      <Ask
        label="Sign out everywhere"
        question="Sign out everywhere?"
        verb="Sign out"
        act={async () => {
          await api("/v1/account/sessions", { method: "DELETE" });
          forget();
          location.assign("/sign-in");
        }}
      >
        <p>Sign in again with your password.</p>
      </Ask>
    </section>
  );
}

function Deletion({ email }: { email: string }) {
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const dialog = useRef<HTMLDialogElement>(null);
  const { busy, error, run } = useAction();
  const check = () => {
    const found: Record<string, string> = {};
    if (typed.trim().toLowerCase() !== email.toLowerCase())
      found.typed = `Write ${email}, as it stands here.`;
    if (!password) found.password = "Write your password.";
    return found;
  };
  const send = () =>
    run(async () => {
      await api("/v1/account", { method: "DELETE", body: { password } });
      forget();
      location.assign("/sign-in?deleted");
    });
  return (
    <section>
      <h2>Delete the account</h2>
      <p>
        The account and all that is held of it: files, jobs, keys, usage, the subscription and the
        login. Running jobs stop. It begins at once and can't be undone; a mail confirms it.
      </p>
      <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
        Delete the account
      </button>
      <dialog ref={dialog} aria-label="Delete the account">
        <h2>Delete the account</h2>
        <p>Download what you want to keep first. To go on, write your address and your password.</p>
        <Form check={check} onFaults={setFaults} onSend={send} label="Delete the account">
          <Field label={`Your address, ${email}`} name="typed" value={typed} onValue={setTyped}
            error={faults.typed} autocomplete="off" />
          <Field label="Password" name="password" type="password" value={password}
            onValue={setPassword} error={faults.password} autocomplete="current-password" />
          {error && <Note tone="bad">{error}</Note>}
          <div class="row">
            <button type="button" onClick={() => dialog.current?.close()}>Back</button>
            <button class="danger" disabled={busy}>
              {busy ? "One moment…" : "Delete it for good"}
            </button>
          </div>
        </Form>
      </dialog>
    </section>
  );
}
