// One job: how it goes, what it made and from what, and what can be done with it.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { Note, told, useAction } from "../forms";
import { bytes, minutes, seconds, until } from "../format";
import { Copy } from "../run/copy";
import { kindOf, Media } from "../run/media";
import { Ask, jobName, Moment, StatusWord, Title, underWay, useApi, Waiting } from "./parts";
import { navigate } from "./router";
import type { Job, Report } from "../types";

const PACE = 1_500;

export function JobPage({ id }: { id: string }) {
  const path = `/v1/transcodes/${encodeURIComponent(id)}`;
  const loaded = useApi<Job>(path, (job) => (underWay(job) ? PACE : 0));
  const job = loaded.data;
  if (!job)
    return (
      <>
        <p><a href="/jobs">All jobs</a></p>
        <Title page="Job">Job</Title>
        <Waiting of={loaded} />
      </>
    );
  return (
    <>
      <p><a href="/jobs">All jobs</a></p>
      <Title page="Job">{jobName(job)}</Title>
      <p class="row">
        <StatusWord job={job} />
        <span class="soft">created <Moment at={job.created_at} /></span>
        <code>{job.id}</code>
      </p>
      {loaded.error && <Note tone="warn">{loaded.error}</Note>}
      <Progress job={job} />
      {job.status === "failed" && <Failure job={job} />}
      {job.status === "canceled" && <Note>The job was canceled. It costs nothing.</Note>}
      <Actions job={job} path={path} changed={loaded.reload} />
      <Output job={job} path={path} />
      <Inputs job={job} />
      <Command job={job} />
      <ReceiptPart job={job} />
      {Object.keys(job.metadata).length > 0 && (
        <>
          <h2>Metadata</h2>
          <pre tabIndex={0}><code>{JSON.stringify(job.metadata.user ?? job.metadata, null, 2)}</code></pre>
        </>
      )}
      <ReportPart path={path} />
    </>
  );
}

function Progress({ job }: { job: Job }) {
  const spoken =
    job.status === "pending"
      ? "The job waits for its turn."
      : job.status === "processing"
        ? "The job runs."
        : `The job is ${job.status}.`;
  return (
    <>
      <span class="hidden" role="status">{spoken}</span>
      {job.status === "pending" && (
        <p>
          It waits for its turn
          {job.queue_position ? `; place ${job.queue_position} when it was accepted` : ""}. This page
          follows it by itself.
        </p>
      )}
      {job.status === "processing" && (
        <p>
          {job.progress === null ? (
            <progress aria-label="Progress" />
          ) : (
            <progress max={100} value={job.progress} aria-label="Progress" />
          )}
          <small>
            {job.progress === null
              ? "Fetching and looking into the inputs"
              : `${Math.floor(job.progress)} %`}
            {job.seconds_left !== null && `, about ${seconds(job.seconds_left)} left`}
          </small>
        </p>
      )}
    </>
  );
}

/** What to do about each kind of failure (`error_category`). */
const ADVICE: Record<string, string> = {
  quota: "Choose a larger plan, or wait until your minutes reset; then retry.",
  file_size: "Send a smaller file, or choose a plan that takes larger ones.",
  processing_limit: "Split the input, make the output smaller, or choose a plan with longer jobs.",
  upload: "See that the address opens, or upload the file; then retry, or make a new job of it.",
  storage: "The file could not be read or kept. Retry; if the input is gone, upload it again.",
  validation: "Change what the sentence names. POST /v1/validate tells beforehand what is accepted.",
  processing: "Check that the input plays. If it does, report the job: we look into it.",
  transient: "It was tried several times. Retry in some minutes.",
  unknown: "Retry. If it fails again, report the job.",
};

export function Failure({ job }: { job: Job }) {
  return (
    <Note tone="bad">
      <p><strong>{job.error_message ?? "The job failed."}</strong></p>
      <p>{ADVICE[job.error_category] ?? ADVICE.unknown} A job that failed costs nothing.</p>
      {(job.error_category === "quota" || job.error_category === "file_size") && (
        <p><a href={`/billing?job=${job.id}`}>Look at the plans</a></p>
      )}
    </Note>
  );
}

function Actions({ job, path, changed }: { job: Job; path: string; changed(): void }) {
  const { busy, error, run } = useAction();
  const retry = () =>
    run(async () => {
      const made = await api<{ id: string }>(`${path}/retry`, { method: "POST" });
      navigate(`/jobs/${made.id}`);
    });
  if (underWay(job))
    return (
      <div class="row">
        <Ask
          label="Cancel the job"
          danger
          question="Cancel this job?"
          verb="Cancel the job"
          act={async () => {
            await api(`${path}/cancel`, { method: "PATCH" });
            changed();
          }}
        >
          <p>It stops at once and costs nothing. You can't resume it, only start again.</p>
        </Ask>
      </div>
    );
  return (
    <>
      <div class="row">
        <button type="button" disabled={busy} onClick={retry}>
          {busy ? "One moment…" : "Retry as a new job"}
        </button>
        <a class="button" href={`/playground?from=${job.id}`}>Change it in the playground</a>
        {hasFiles(job) && (
          <Ask
            label="Delete the files"
            danger
            question="Delete the files now?"
            verb="Delete the files"
            act={async () => {
              await api(path, { method: "DELETE" });
              changed();
            }}
          >
            <p>
              The outputs go, and the uploads that no other running job reads. This can't be undone.
              The record of the job stays.
            </p>
          </Ask>
        )}
      </div>
      {error && <Note tone="bad">{error}</Note>}
    </>
  );
}

function Output({ job, path }: { job: Job; path: string }) {
  const made = job.outputs[0];
  if (!made) return null;
  const gone = job.files_deleted_at ?? (over(job) ? job.files_expire_at : null);
  return (
    <>
      <h2>Output</h2>
      <p>
        {made.filename}, {bytes(made.size_bytes)}, {made.format}
      </p>
      {gone ? (
        <Note>The output was deleted <Moment at={gone} />. Retry the job to create it again.</Note>
      ) : (
        <>
          <Preview path={path} name={made.filename} format={job.output_format} />
          {job.files_expire_at && (
            <p class="soft">
              Deleted in {seconds(until(job.files_expire_at))} (<Moment at={job.files_expire_at} />
              ). Download what you want to keep.
            </p>
          )}
        </>
      )}
    </>
  );
}

/** Whether anything of it is stored here. */
function hasFiles(job: Job): boolean {
  const stored = job.outputs.length > 0 || job.inputs.some((input) => input.url.startsWith("gs://"));
  return stored && !job.files_deleted_at;
}

function over(job: Job): boolean {
  return job.files_expire_at !== null && until(job.files_expire_at) <= 0;
}

/** The output itself, by a signed link that is valid for ten minutes; requested again after it expires. */
function Preview({ path, name, format }: { path: string; name: string; format: string }) {
  const [link, setLink] = useState("");
  const [error, setError] = useState("");
  const asked = useRef(0);
  const ask = async () => {
    asked.current = Date.now();
    try {
      const { url } = await api<{ url: string }>(`${path}/download`);
      setLink(url);
      setError("");
      return url;
    } catch (failed) {
      setError(told(failed));
      return "";
    }
  };
  useEffect(() => void ask(), [path]);
  const broken = () => {
    const old = Date.now() - asked.current > 9 * 60_000;
    if (old) void ask();
    return old;
  };
  const download = async () => {
    const url = await ask();
    if (url) location.assign(url);
  };
  return (
    <>
      {!link && !error && (
        <div class={`preview ${kindOf(format)}`}><span class="hidden" role="status">Loading…</span></div>
      )}
      {link && <Media src={link} format={format} label={`The output ${name}`} onBroken={broken} />}
      {error && <Note tone="bad">{error}</Note>}
      <p><button type="button" class="main" onClick={download}>Download</button></p>
    </>
  );
}

function Inputs({ job }: { job: Job }) {
  return (
    <>
      <h2>Inputs</h2>
      <ul class="files">
        {job.inputs.map((input, index) => (
          <li key={index}>
            <code>{input.url}</code>
            <small>
              {[
                Number(input.size_bytes) > 0 && bytes(Number(input.size_bytes)),
                input.duration > 0 && seconds(input.duration),
                input.format !== "unknown" && input.format,
              ]
                .filter(Boolean)
                .join(", ") || "not looked into yet"}
              {input.downloadUrl && !job.files_deleted_at && (
                <>
                  {" · "}
                  <a href={input.downloadUrl} target="_blank" rel="noopener">open</a>
                </>
              )}
            </small>
            {input.options && input.options.length > 0 && (
              <small>options: <code>{input.options.map(optionText).join(" ")}</code></small>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function optionText(each: { option: string; argument?: unknown }): string {
  if (each.argument === undefined || each.argument === null || each.argument === "")
    return each.option;
  const text =
    typeof each.argument === "object" ? JSON.stringify(each.argument) : String(each.argument);
  return `${each.option} ${text}`;
}

const SOURCES = {
  defaults: "the defaults of the format",
  preset: "a preset",
  raw_options: "options of ffmpeg",
  virtual_options: "virtual options",
};

function Command({ job }: { job: Job }) {
  const options = job.ffmpeg_options;
  if (!job.receipt && !options) return null;
  const line = job.receipt
    ? job.receipt.arguments.map(quoted).join(" ")
    : (options?.options ?? []).map(optionText).join(" ");
  return (
    <>
      <h2>{job.receipt ? "Argument list" : "Options of ffmpeg"}</h2>
      {options && (
        <p class="soft">
          From {SOURCES[options.source]}
          {options.preset && `: ${Object.values(options.preset).filter(Boolean).join(", ")}`}
        </p>
      )}
      <pre class="wrap" tabIndex={0}><code>{line}</code></pre>
      <Copy text={line} what="the argument list" />
    </>
  );
}

/** An argument as a shell reads it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

function ReceiptPart({ job }: { job: Job }) {
  const { receipt } = job;
  if (!receipt) return null;
  return (
    <>
      <h2>Receipt</h2>
      <dl>
        <div><dt>Charged</dt><dd>{minutes(job.billable_minutes)}</dd></div>
        <div>
          <dt>Time</dt>
          <dd>{seconds(receipt.wall_seconds)}, of processors {seconds(receipt.cpu_seconds)}</dd>
        </div>
        <div><dt>Read, written</dt><dd>{bytes(receipt.bytes_in)}, {bytes(receipt.bytes_out)}</dd></div>
        {receipt.streams.map((stream) => (
          <div key={stream.kind}>
            <dt>{stream.kind === "video" ? "Picture" : "Sound"}</dt>
            <dd>{stream.action === "copy" ? "copied" : "encoded"}: {stream.why}</dd>
          </div>
        ))}
        {receipt.inputs.map((input, index) => (
          <div key={index}>
            <dt>SHA-256 of input {index + 1}</dt>
            <dd>{input.sha256 ? <code>{input.sha256}</code> : "not known: only parts were read"}</dd>
          </div>
        ))}
        <div><dt>SHA-256 of the output</dt><dd><code>{receipt.output.sha256}</code></dd></div>
        <div><dt>FFmpeg</dt><dd>{receipt.ffmpeg}</dd></div>
        <div><dt>Held by</dt><dd>{receipt.cage.join(", ") || "nothing"}</dd></div>
        {receipt.notes.length > 0 && (
          <div><dt>Notes</dt><dd>{receipt.notes.join(" ")}</dd></div>
        )}
      </dl>
    </>
  );
}

function ReportPart({ path }: { path: string }) {
  const [message, setMessage] = useState("");
  const [sent, setSent] = useState(false);
  return (
    <>
      <h2>Something wrong with it?</h2>
      {sent && (
        <Note tone="good">
          Thank you, the report has arrived. An answer comes by mail; it is listed under{" "}
          <a href="/reports">reports</a>.
        </Note>
      )}
      <Ask
        label="Report a problem"
        question="Report a problem with this job"
        verb="Send the report"
        act={async () => {
          await api<Report>(`${path}/report`, { body: { message: message.trim() } });
          setMessage("");
          setSent(true);
        }}
      >
        <p>
          While the report is open, we may look at the files of this job to help you. Each time we
          do, you get a mail, and the <a href="/access-log">access log</a> names it.
        </p>
        <div class="field">
          <label for="report-message">What is wrong?</label>
          <textarea
            id="report-message"
            rows={5}
            maxLength={5000}
            value={message}
            onInput={(event) => setMessage(event.currentTarget.value)}
          />
        </div>
      </Ask>
    </>
  );
}
