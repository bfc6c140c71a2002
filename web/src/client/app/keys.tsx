// Keys of the API: made, shown once, renamed, revoked.
import { useId, useState } from "preact/hooks";
import { api } from "../api";
import { Field, Form, Note, useAction } from "../forms";
import { Copy } from "../run/copy";
import { Ask, Moment, Title, useApi, Waiting } from "./parts";
import type { Key } from "../types";

const DAY = 86_400_000;
const EXPIRIES: [days: number, label: string][] = [
  [0, "Never"],
  [30, "In 30 days"],
  [90, "In 90 days"],
  [365, "In a year"],
];

export function Keys() {
  const keys = useApi<{ items: Key[] }>("/v1/api-keys");
  return (
    <>
      <Title page="Keys">Keys</Title>
      <p>
        A program shows who it is with a key, in the header <code>Authorization: Bearer …</code>.
        Make one for each program, so that each can be revoked alone.
      </p>
      <NewKey made={keys.reload} />
      <h2>Your keys</h2>
      <Waiting of={keys} />
      {keys.data?.items.length === 0 && <p class="soft">There is no key yet. Make the first one above.</p>}
      {keys.data && keys.data.items.length > 0 && (
        <div class="table">
          <table class="stack">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">May</th>
                <th scope="col">Last used</th>
                <th scope="col">Expires</th>
                <th scope="col"><span class="hidden">Actions</span></th>
              </tr>
            </thead>
            <tbody>
              {keys.data.items.map((key) => <Row key={key.id} of={key} changed={keys.reload} />)}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ of: key, changed }: { of: Key; changed(): void }) {
  const [label, setLabel] = useState(key.label);
  const path = `/v1/api-keys/${key.id}`;
  const name = key.label || `${key.starts_with}…`;
  const expired = key.expires_at !== null && Date.parse(key.expires_at) <= Date.now();
  return (
    <tr>
      <th scope="row">{key.label || "no label"}<small><code>{key.starts_with}…</code></small></th>
      <td data-label="May">{key.scopes.includes("jobs") ? "make and read jobs" : "only read"}</td>
      <td data-label="Last used">{key.last_used_at ? <Moment at={key.last_used_at} /> : "never"}</td>
      <td data-label="Expires">
        {key.expires_at ? <Moment at={key.expires_at} short /> : "never"}
        {expired && <strong class="error"> (over)</strong>}
      </td>
      <td>
        <div class="row">
          <Ask
            label="Rename"
            question={`Rename the key ${name}`}
            verb="Save"
            act={async () => {
              await api(path, { method: "PATCH", body: { label: label.trim() } });
              changed();
            }}
          >
            <Field label="Label" name="label" value={label} onValue={setLabel} maxLength={100}
              autocomplete="off" />
          </Ask>
          <Ask
            label="Revoke"
            danger
            question={`Revoke the key ${name}?`}
            verb="Revoke it"
            act={async () => {
              await api(path, { method: "DELETE" });
              changed();
            }}
          >
            <p>Calls with it are refused at once. This can't be undone; make a new key instead.</p>
          </Ask>
        </div>
      </td>
    </tr>
  );
}

function NewKey({ made }: { made(): void }) {
  const [label, setLabel] = useState("");
  const [days, setDays] = useState(0);
  const [makes, setMakes] = useState(true);
  const [shown, setShown] = useState("");
  const { busy, error, run } = useAction();
  const id = useId();
  const send = () =>
    run(async () => {
      const created = await api<{ key: string }>("/v1/api-keys", {
        body: {
          label: label.trim(),
          scopes: makes ? ["jobs", "read"] : ["read"],
          ...(days ? { expires_at: new Date(Date.now() + days * DAY).toISOString() } : {}),
        },
      });
      setShown(created.key);
      setLabel("");
      made();
    });
  if (shown)
    return (
      <section class="card" aria-label="The new key">
        <Note tone="warn" focus>
          This is the only time that the key is shown. Copy it to where your program reads it.
        </Note>
        <pre class="wrap"><code>{shown}</code></pre>
        <div class="row">
          <Copy text={shown} what="the key" />
          <button type="button" onClick={() => setShown("")}>I have it</button>
        </div>
      </section>
    );
  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <h2 class="first" id={`${id}-title`}>A new key</h2>
      <Form onSend={send} label="A new key">
        <div class="grid">
          <Field label="Label" name="label" value={label} onValue={setLabel} maxLength={100}
            autocomplete="off" help="What it is for, such as “website”." />
          <div class="field">
            <label for={`${id}-expiry`}>Expires</label>
            <select
              id={`${id}-expiry`}
              value={days}
              onChange={(event) => setDays(Number(event.currentTarget.value))}
            >
              {EXPIRIES.map(([count, words]) => <option key={count} value={count}>{words}</option>)}
            </select>
          </div>
          <fieldset>
            <legend>May</legend>
            <label>
              <input type="radio" name="scopes" checked={makes} onChange={() => setMakes(true)} />
              make and read jobs
            </label>
            <label>
              <input type="radio" name="scopes" checked={!makes} onChange={() => setMakes(false)} />
              only read
            </label>
          </fieldset>
        </div>
        {error && <Note tone="bad">{error}</Note>}
        <button class="main" disabled={busy}>{busy ? "One moment…" : "Make the key"}</button>
      </Form>
    </section>
  );
}
