// A job under way: its progress, and a way to stop it.
import { useEffect, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { Note, told, useAction } from "../forms";
import { seconds } from "../format";
import type { Job } from "../types";

const PACE = 1_200;
const PATIENCE = 5;

interface JobRunProps {
  id: string;
  /** Instead of the session, a visitor's key. */
  visitorKey?: string | undefined;
  /** Once, when it has ended, whatever its end. */
  onEnd(job: Job): void;
}

export function JobRun({ id, visitorKey, onEnd }: JobRunProps) {
  const path = `/v1/transcodes/${encodeURIComponent(id)}`;
  const as = visitorKey ? { key: visitorKey } : {};
  const [job, setJob] = useState<Job>();
  const [trouble, setTrouble] = useState("");
  const { busy, error, run } = useAction();
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let failures = 0;
    const read = async () => {
      try {
        const now = await api<Job>(path, { ...as, signal: control.signal });
        failures = 0;
        setTrouble("");
        setJob(now);
        if (now.status !== "pending" && now.status !== "processing") return onEnd(now);
      } catch (failed) {
        if (control.signal.aborted) return;
        failures += 1;
        setTrouble(told(failed));
        if (failed instanceof ApiError && [401, 403, 404].includes(failed.status)) return;
      }
      timer = setTimeout(read, PACE * Math.min(2 ** failures, 2 ** PATIENCE));
    };
    void read();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [id]);
  const cancel = () => run(async () => void (await api(`${path}/cancel`, { ...as, method: "PATCH" })));
  const waits = !job || job.status === "pending";
  return (
    <div class="card run" role="group" aria-label="The job">
      <p>
        <strong>{waits ? "Waiting for its turn" : "Running"}</strong>
      </p>
      {job?.progress == null ? (
        <progress aria-label="Progress of the job" />
      ) : (
        <progress max={100} value={job.progress} aria-label="Progress of the job" />
      )}
      <p class="row between">
        <small>
          {job?.progress == null
            ? waits ? "It begins as soon as a worker is free" : "Looking into the inputs"
            : `${Math.floor(job.progress)} %`}
          {job?.seconds_left != null && `, about ${seconds(job.seconds_left)} left`}
        </small>
        <button type="button" disabled={busy} onClick={cancel}>Cancel the job</button>
      </p>
      <span class="hidden" role="status">{waits ? "The job waits" : "The job runs"}</span>
      {(error || trouble) && <Note tone="bad">{error || trouble}</Note>}
    </div>
  );
}
