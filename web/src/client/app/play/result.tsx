// A job's end beside its source.
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../api";
import { Note, told } from "../../forms";
import { bytes, seconds } from "../../format";
import { Media } from "../../run/media";
import { extension } from "../../run/upload";
import type { Job } from "../../types";
import { Failure } from "../job";

export function Result({ job }: { job: Job }) {
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
      {job.status === "completed" && <Made job={job} />}
      {job.status === "failed" && <Failure job={job} />}
      {job.status === "canceled" && <p>The job was canceled. It costs nothing.</p>}
      <p><a href={`/jobs/${job.id}`}>All about this job</a></p>
    </section>
  );
}

function Made({ job }: { job: Job }) {
  const [link, setLink] = useState("");
  const [error, setError] = useState("");
  useEffect(() => {
    api<{ url: string }>(`/v1/transcodes/${job.id}/download`).then(
      (answer) => setLink(answer.url),
      (failed) => setError(told(failed)),
    );
  }, [job.id]);
  const made = job.outputs[0];
  const sizes = job.inputs.map((input) => Number(input.size_bytes));
  const before = sizes.every((size) => size > 0) ? sizes.reduce((sum, size) => sum + size, 0) : 0;
  const after = made?.size_bytes ?? 0;
  const source = job.inputs.length === 1 ? job.inputs[0] : undefined;
  return (
    <>
      {error && <Note tone="bad">{error}</Note>}
      <div class="beside-each-other">
        {source?.downloadUrl && (
          <figure>
            <figcaption>Before{before > 0 && `: ${bytes(before)}`}</figcaption>
            <Media
              src={source.downloadUrl}
              format={extension(source.filename)}
              label="The source"
            />
          </figure>
        )}
        <figure>
          <figcaption>
            {job.inputs.length > 1 && before > 0 && `All inputs: ${bytes(before)}. `}
            After: {bytes(after)}
            {before > 0 && compared(before, after)}
          </figcaption>
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
  // Nothing becomes 100 % smaller.
  const percent = Math.max(-99, Math.round((after / before - 1) * 100));
  if (percent === 0) return ", as large as before";
  return percent < 0 ? `, ${-percent} % smaller` : `, ${percent} % larger`;
}
