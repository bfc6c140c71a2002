// The form to write to us, with or without an account.
import { render } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { api } from "./api";
import { EMAIL, Field, Form, Note, useAction } from "./forms";
import { session } from "./session";

const LONGEST = 5000;
const about = new URLSearchParams(location.search).get("job") ?? "";

function Support() {
  const [email, setEmail] = useState("");
  const [own, setOwn] = useState<string>();
  const [subject, setSubject] = useState("");
  const [message, setMessage] = useState("");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();
  const id = useId();
  useEffect(() => {
    session().then(
      (there) => setOwn(there?.user.email ?? ""),
      () => setOwn(""),
    );
  }, []);
  const check = () => {
    const found: Record<string, string> = {};
    if (!own && !EMAIL.test(email.trim())) found.email = "Write an address such as name@example.com.";
    if (!message.trim()) found.message = "Write what you want to tell us.";
    return found;
  };
  const send = () =>
    run(async () => {
      await api("/v1/support", {
        body: {
          message: message.trim(),
          ...(subject.trim() ? { subject: subject.trim() } : {}),
          ...(about && own ? { job_id: about } : {}),
          ...(own ? {} : { email: email.trim() }),
        },
        anonymous: !own,
      });
      setSent(true);
    });
  if (own === undefined) return <p class="soft" role="status">Loading…</p>;
  if (sent)
    return (
      <Note tone="good" focus>
        Your message has arrived. We answer to <strong>{own || email.trim()}</strong>.
      </Note>
    );
  return (
    <Form check={check} onFaults={setFaults} onSend={send} label="Write to support">
      {own ? (
        <p>We answer to <strong>{own}</strong>.</p>
      ) : (
        <Field label="Your email" name="email" type="email" value={email} onValue={setEmail}
          error={faults.email} autocomplete="email" maxLength={254} required />
      )}
      {about && own && <p>About the job <code>{about}</code>.</p>}
      <Field label="Subject" name="subject" value={subject} onValue={setSubject} maxLength={200}
        autocomplete="off" />
      <div class="field">
        <label for={id}>Message</label>
        <textarea
          id={id}
          name="message"
          rows={8}
          maxLength={LONGEST}
          required
          value={message}
          onInput={(event) => setMessage(event.currentTarget.value)}
          aria-invalid={faults.message ? true : undefined}
          aria-describedby={faults.message ? `${id}-fault` : undefined}
        />
        {faults.message && <small class="error" id={`${id}-fault`}>{faults.message}</small>}
      </div>
      {error && <Note tone="bad">{error}</Note>}
      <button class="main" disabled={busy}>{busy ? "One moment…" : "Send"}</button>
    </Form>
  );
}

const root = document.getElementById("support");
if (root) {
  root.replaceChildren();
  render(<Support />, root);
}
