// "Try it": a real upload and a real job for somebody who has no account.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import type { Job } from "../types";
import { Note, told, useAction } from "../forms";
import { bytes, seconds } from "../format";
import { CodeTabs } from "../run/code-tabs";
import { JobRun } from "../run/job-run";
import { Media } from "../run/media";
import { UPLOADED } from "../run/request";
import { UploadBox } from "../run/upload-box";
import { extension, type Stored } from "../run/upload";
import { CHOICES, type Choice } from "./results";

const MAX_BYTES = 25 * 1024 * 1024;
const SAMPLE = "/sample.mp4";
const KEPT = "visitor";

interface Visitor {
  key: string;
  expires_at: string;
}

/** The visitor's key, for an hour; the same in all of this tab. */
async function visitor(): Promise<string> {
  const kept: Visitor | null = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept && Date.parse(kept.expires_at) > Date.now() + 5 * 60_000) return kept.key;
  const made = await api<Visitor>("/v1/try", { body: {}, anonymous: true });
  sessionStorage.setItem(KEPT, JSON.stringify(made));
  return made.key;
}

interface Result {
  job: Job;
  choice: Choice;
  link: string;
}

export function Try() {
  const [source, setSource] = useState<{ file: File; local: string; stored: Stored }>();
  const [chosen, setChosen] = useState(CHOICES[0]!.name);
  const [job, setJob] = useState<{ id: string; key: string; choice: Choice }>();
  const [result, setResult] = useState<Result>();
  const [failed, setFailed] = useState("");
  const { busy, error, run } = useAction();
  const [dropped, setDropped] = useState<File>();
  const choices = source ? CHOICES.filter((each) => each.fits(source.file.name)) : CHOICES;
  const choice = choices.find((each) => each.name === chosen) ?? choices[0] ?? CHOICES[0]!;

  useEffect(() => () => void (source && URL.revokeObjectURL(source.local)), [source]);

  const again = () => {
    setSource(undefined);
    setResult(undefined);
    setFailed("");
    setDropped(undefined);
  };

  const start = () =>
    run(async () => {
      if (!source) return;
      setFailed("");
      setResult(undefined);
      const key = await visitor();
      const request = choice.request(source.stored.url);
      try {
        const made = await api<Job>("/v1/transcodes", { body: request, key });
        setJob({ id: made.id, key, choice });
      } catch (refused) {
        if (!(refused instanceof ApiError && refused.status === 401)) throw refused;
        sessionStorage.removeItem(KEPT);
        again();
        throw new Error("Your trial session has expired and your upload was deleted. Choose a file to start again.");
      }
    });

  const ended = async (end: Job) => {
    const key = job?.key ?? "";
    const made = job?.choice ?? choice;
    setJob(undefined);
    if (end.status === "canceled") return setFailed("The job is canceled.");
    if (end.status === "failed") return setFailed(end.error_message ?? "The job failed.");
    try {
      const { url } = await api<{ url: string }>(`/v1/transcodes/${end.id}/download`, { key });
      setResult({ job: end, choice: made, link: url });
    } catch (error) {
      setFailed(told(error));
    }
  };

  const useSample = () =>
    run(async () => {
      const answer = await fetch(SAMPLE);
      if (!answer.ok) throw new Error("The sample can't be loaded just now. Drop a file of yours.");
      setDropped(new File([await answer.blob()], "sample.mp4", { type: "video/mp4" }));
    });

  return (
    <div class="try">
      {!source && (
        <>
          <UploadBox
            label="A video, a sound or a picture"
            maxBytes={MAX_BYTES}
            visitorKey={visitor}
            given={dropped}
            onStored={(stored, file) =>
              setSource({ file, stored, local: URL.createObjectURL(file) })
            }
          />
          <p class="row after-box">
            <button type="button" disabled={busy} onClick={useSample}>
              Use our sample
            </button>
            <small>No account needed. Your file is deleted within about an hour.</small>
          </p>
        </>
      )}
      {source && (
        <>
          <p class="row between">
            <span>
              <strong class="name">{source.file.name}</strong>, {bytes(source.file.size)}
              {source.stored.metadata.duration_seconds ? `, ${seconds(source.stored.metadata.duration_seconds)}` : ""}
            </span>
            <button type="button" onClick={again} disabled={job !== undefined}>Another file</button>
          </p>
          <fieldset disabled={job !== undefined}>
            <legend>Convert to</legend>
            <div class="choices">
              {choices.map((each) => (
                <label key={each.name}>
                  <input
                    type="radio"
                    name="result"
                    value={each.name}
                    checked={each === choice}
                    onChange={() => setChosen(each.name)}
                  />
                  {each.label}
                </label>
              ))}
            </div>
          </fieldset>
          {job ? (
            <JobRun key={job.id} id={job.id} visitorKey={job.key} onEnd={(end) => void ended(end)} />
          ) : (
            <p><button type="button" class="main" disabled={busy} onClick={start}>Run it</button></p>
          )}
        </>
      )}
      {(error || failed) && <Note tone="bad">{error || failed}</Note>}
      {source && result && <Compared source={source} result={result} />}
      <h3>The same by HTTP</h3>
      <CodeTabs
        request={choice.request(UPLOADED)}
        file={{
          name: source?.file.name ?? "video.mp4",
          type: source?.stored.type ?? "video/mp4",
        }}
      />
    </div>
  );
}

function Compared({ source, result }: { source: { file: File; local: string }; result: Result }) {
  const { job, link } = result;
  const made = job.outputs[0];
  const size = made?.size_bytes ?? 0;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [job.id]);
  return (
    <section aria-label="Before and after">
      <h3 ref={heading} tabIndex={-1}>
        Done{job.processing_time_seconds ? ` in ${seconds(job.processing_time_seconds)}` : ""}
      </h3>
      <div class="beside-each-other">
        <figure>
          <figcaption>Before: {bytes(source.file.size)}</figcaption>
          <Media src={source.local} format={extension(source.file.name)} label="Your file" />
        </figure>
        <figure>
          <figcaption>After: {bytes(size)}</figcaption>
          <Media src={link} format={job.output_format} label="The result" />
        </figure>
      </div>
      <p class="row">
        <a class="button main" href={link} download={made?.filename}>Download</a>
        <span class="soft">
          Keep it: here it is gone within about an hour. <a href="/sign-up">Sign up</a> for 100
          minutes a month, free.
        </span>
      </p>
    </section>
  );
}
