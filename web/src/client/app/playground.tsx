// Makes jobs from the browser: a source, a form or the request itself, the run, the result.
import { useEffect, useMemo, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { Note, useAction } from "../forms";
import { CodeTabs } from "../run/code-tabs";
import { JobRun } from "../run/job-run";
import type { JobRequest } from "../run/request";
import type { Account, Job } from "../types";
import { Title } from "./parts";
import { Fields } from "./play/fields";
import { fault, KINDS, untouched, type Kind, type Values } from "./play/kinds";
import { Result } from "./play/result";
import { ChosenList, Pick, type Chosen } from "./play/source";
import { Verdict } from "./play/verdict";
import { useAddress } from "./router";

export default function Playground() {
  const from = useAddress().searchParams.get("from");
  const [sources, setSources] = useState<Chosen[]>([]);
  const [extra, setExtra] = useState<Chosen>();
  const [kind, setKind] = useState<Kind>(KINDS[0]!);
  const [values, setValues] = useState<Values>(untouched(KINDS[0]!));
  const [raw, setRaw] = useState<string>();
  const [maxBytes, setMaxBytes] = useState<number>();
  const [running, setRunning] = useState("");
  const [ended, setEnded] = useState<Job>();
  const { busy, error, setError, run } = useAction();
  const [blocked, setBlocked] = useState("");

  // Without an answer the service itself refuses what is too large.
  useEffect(
    () => void api<Account>("/v1/account").then(({ plan }) => setMaxBytes(plan.max_input_bytes), () => undefined),
    [],
  );
  useEffect(() => {
    if (!from) return;
    api<Job>(`/v1/transcodes/${encodeURIComponent(from)}`).then(
      ({ request }) => request && setRaw(written(request)),
      () => setError("The job to begin from is not there."),
    );
  }, [from]);

  const choose = (next: Kind) => {
    setKind(next);
    setValues(untouched(next));
    setExtra(undefined);
  };
  const missing = wanting(kind, sources, extra, values);
  const request = useMemo(
    () =>
      missing && !sources.length
        ? undefined
        : kind.request(values, sources.map((each) => each.url), extra?.url ?? ""),
    [kind, values, sources, extra, missing],
  );
  const parsed = raw === undefined ? undefined : parse(raw);
  const ready = raw === undefined ? (missing ? undefined : request) : parsed?.request;
  const shown = ready?.inputs && ready.outputFormat ? ready : undefined;

  const start = () =>
    run(async () => {
      setEnded(undefined);
      setBlocked("");
      try {
        setRunning((await api<Job>("/v1/transcodes", { body: ready })).id);
      } catch (failed) {
        if (failed instanceof ApiError && failed.status === 402)
          setBlocked(String(failed.body.job_id ?? ""));
        throw failed;
      }
    });
  const several = kind.sources > 1;

  return (
    <>
      <Title page="Playground">Playground</Title>
      {raw === undefined ? (
        <>
          <section aria-labelledby="source">
            <h2 id="source" class="first">1. {several ? "Your files, in order" : "Your file"}</h2>
            {sources.length > 0 && (
              <ChosenList chosen={several ? sources : sources.slice(0, 1)} onChange={setSources} />
            )}
            {(several || sources.length === 0) && (
              <Pick
                label={sources.length ? "Another file" : "A video, a sound or a picture"}
                files="media"
                maxBytes={maxBytes}
                onChosen={(chosen) => setSources([...sources, chosen])}
              />
            )}
          </section>
          <section aria-labelledby="kind">
            <h2 id="kind">2. Choose an operation</h2>
            <fieldset>
              <legend class="hidden">Choose an operation</legend>
              <div class="kinds">
                {KINDS.map((each) => (
                  <label key={each.name}>
                    <input
                      type="radio"
                      name="kind"
                      checked={each === kind}
                      onChange={() => choose(each)}
                    />
                    {each.label}
                  </label>
                ))}
              </div>
            </fieldset>
            <p class="soft">{kind.about}</p>
            <Fields kind={kind} values={values} onValues={setValues} />
            {kind.extra &&
              (extra ? (
                <ChosenList chosen={[extra]} onChange={() => setExtra(undefined)} />
              ) : (
                <Pick
                  label={kind.extra.label}
                  files={kind.extra.files}
                  maxBytes={maxBytes}
                  onChosen={setExtra}
                />
              ))}
          </section>
        </>
      ) : (
        <Raw
          text={raw}
          fault={parsed?.fault ?? ""}
          onText={setRaw}
        />
      )}
      <p>
        <button
          type="button"
          class="link"
          onClick={() => setRaw(raw === undefined ? written(request ?? example()) : undefined)}
        >
          {raw === undefined ? "Write the request itself instead" : "Back to the form"}
        </button>
      </p>
      <section aria-labelledby="run">
        <h2 id="run">{raw === undefined ? "3. Run it" : "Run it"}</h2>
        {ready ? (
          <Verdict json={JSON.stringify(ready)} />
        ) : (
          <p class="soft">{(raw === undefined && missing) || "The request is not complete."}</p>
        )}
        {error && (
          <Note tone="bad">
            {error}
            {blocked && (
              <>
                {" "}
                <a href={`/billing?job=${encodeURIComponent(blocked)}`}>Choose a larger plan</a>
              </>
            )}
          </Note>
        )}
        {running ? (
          <JobRun
            key={running}
            id={running}
            onEnd={(job) => {
              setRunning("");
              setEnded(job);
            }}
          />
        ) : (
          <p>
            <button type="button" class="main" disabled={busy || !ready} onClick={start}>
              Run it
            </button>
          </p>
        )}
      </section>
      {ended && <Result job={ended} />}
      {shown && (
        <section aria-labelledby="code">
          <h2 id="code">The same by HTTP</h2>
          <CodeTabs request={shown} />
        </section>
      )}
    </>
  );
}

interface RawProps {
  text: string;
  fault: string;
  onText(text: string): void;
}

function Raw({ text, fault: wrong, onText }: RawProps) {
  return (
    <section>
      <label for="raw">The request, as JSON</label>
      <textarea
        id="raw"
        class="code"
        rows={18}
        spellcheck={false}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        aria-invalid={wrong ? true : undefined}
        aria-describedby="raw-help"
      />
      <small id="raw-help" class={wrong ? "error" : undefined}>
        {wrong || <>The <a href="/docs/options">docs</a> list what is allowed here.</>}
      </small>
    </section>
  );
}

/** What is not there yet, as a sentence; nothing when the form is complete. */
function wanting(kind: Kind, sources: Chosen[], extra: Chosen | undefined, values: Values): string {
  if (sources.length < kind.sources)
    return sources.length ? "Add the second file." : "Choose a file first.";
  if (kind.extra && !extra) return `${kind.extra.label} is missing.`;
  if (kind.fields.some((field) => fault(field, values[field.name] ?? "")))
    return "A field of the form is not right yet.";
  return kind.wrong?.(values) ?? "";
}

function written(request: JobRequest): string {
  return JSON.stringify(request, null, 2);
}

function example(): JobRequest {
  return {
    inputs: [{ url: "https://example.com/video.mov" }],
    outputFormat: "mp4",
    options: [{ option: "-crf", argument: 23 }],
  };
}

function parse(text: string): { request?: JobRequest; fault: string } {
  try {
    const request: unknown = JSON.parse(text);
    if (typeof request === "object" && request !== null && !Array.isArray(request))
      return { request: request as JobRequest, fault: "" };
    return { fault: 'A request is an object: { "inputs": …, "outputFormat": … }.' };
  } catch (error) {
    return { fault: `This is not JSON: ${error instanceof Error ? error.message : "look at it again"}` };
  }
}
