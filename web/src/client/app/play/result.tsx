// A job's end beside its source.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api";
import { Note, told } from "../../forms";
import { bytes, seconds } from "../../format";
import { Media } from "../../run/media";
import { extension } from "../../run/upload";
import type { Job } from "../../types";
import type { Chosen } from "./source";

interface ResultProps {
  job: Job;
  source: Chosen | undefined;
}

export function Result({ job, source }: ResultProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [job.id]);
  const words = { completed: "Done", failed: "It failed", canceled: "Canceled" };
  const took = job.processing_time_seconds;
  return (
    <section aria-label="The result">
      <h2 ref={heading} tabIndex={-1}>
        {words[job.status as keyof typeof words] ?? job.status}
        {job.status === "completed" && took ? ` in ${seconds(took)}` : ""}
      </h2>
      {job.status === "completed" && <Made job={job} source={source} />}
      {job.status === "failed" && <Note tone="bad">{job.error_message ?? "The job failed."}</Note>}
      {job.status === "canceled" && <p>The job was canceled. It costs nothing.</p>}
      <p><a href={`/jobs/${job.id}`}>All about this job</a></p>
    </section>
  );
}

function Made({ job, source }: ResultProps) {
  const [link, setLink] = useState("");
  const [error, setError] = useState("");
  useEffect(() => {
    api<{ url: string }>(`/v1/transcodes/${job.id}/download`).then(
      (answer) => setLink(answer.url),
      (failed) => setError(told(failed)),
    );
  }, [job.id]);
  const made = job.outputs[0];
  const before = Number(job.inputs[0]?.size_bytes) || source?.size || 0;
  const after = made?.size_bytes ?? 0;
  return (
    <>
      {error && <Note tone="bad">{error}</Note>}
      <div class="beside-each-other">
        {source?.link && (
          <figure>
            <figcaption>Before{before > 0 && `: ${bytes(before)}`}</figcaption>
            <Media src={source.link} format={extension(source.name)} label="The source" />
          </figure>
        )}
        <figure>
          <figcaption>After: {bytes(after)}{before > 0 && compared(before, after)}</figcaption>
          {link && <Media src={link} format={job.output_format} label="The result" />}
        </figure>
      </div>
      {link && (
        <p><a class="button main" href={link} download={made?.filename}>Download</a></p>
      )}
    </>
  );
}

function compared(before: number, after: number): string {
  const percent = Math.round((after / before - 1) * 100);
  if (percent === 0) return ", as large as before";
  return percent < 0 ? `, ${-percent} % smaller` : `, ${percent} % larger`;
}
