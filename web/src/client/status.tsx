// The state of the service, refreshed while the page is visible.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "./api";
import { Note, told } from "./forms";
import { amount, seconds, when } from "./format";

const PACE = 15_000;

interface Status {
  ok: boolean;
  timestamp: string;
  queue: { waiting: number; oldest_waiting_seconds: number; running: number } | null;
  last_sweep_at: string | null;
  media: { ffmpeg: string; seen_at: string } | null;
}

function StatusPage() {
  const [status, setStatus] = useState<Status>();
  const [error, setError] = useState("");
  useEffect(() => {
    const read = async () => {
      if (document.hidden) return;
      try {
        setStatus(await api<Status>("/v1/status", { anonymous: true }));
        setError("");
      } catch (failed) {
        setError(told(failed));
      }
    };
    void read();
    const timer = setInterval(read, PACE);
    return () => clearInterval(timer);
  }, []);
  if (!status) return error ? <Note tone="bad">{error}</Note> : <p class="soft" role="status">Loading…</p>;
  const { queue, media } = status;
  return (
    <>
      <Note tone={error || !status.ok ? "bad" : "good"}>
        <strong>
          {error || (status.ok ? "Everything works." : "Something is down. Jobs wait and are not lost.")}
        </strong>
      </Note>
      <dl>
        <div>
          <dt>Jobs that run</dt>
          <dd>{queue ? amount(queue.running) : "not known"}</dd>
        </div>
        <div>
          <dt>Jobs that wait</dt>
          <dd>
            {!queue
              ? "not known"
              : queue.waiting === 0
                ? "none"
                : `${amount(queue.waiting)}, the oldest for ${seconds(queue.oldest_waiting_seconds)}`}
          </dd>
        </div>
        <div>
          <dt>Expired files last deleted</dt>
          <dd>{status.last_sweep_at ? when(status.last_sweep_at) : "not yet"}</dd>
        </div>
        <div>
          <dt>FFmpeg</dt>
          <dd>{media ? media.ffmpeg : "no job has run yet"}</dd>
        </div>
        <div>
          <dt>Looked at</dt>
          <dd>{when(status.timestamp)}</dd>
        </div>
      </dl>
    </>
  );
}

const root = document.getElementById("status");
if (root) {
  root.replaceChildren();
  render(<StatusPage />, root);
}
