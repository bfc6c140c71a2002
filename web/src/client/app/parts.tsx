// What several pages of the dashboard are made of.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiError } from "../api";
import { Note, told, useAction } from "../forms";
import { forget } from "../session";
import { date, when } from "../format";
import { signInAgain } from "./router";
import type { Job, Status } from "../types";

export interface Loaded<Data> {
  data: Data | undefined;
  error: string;
  /** The HTTP status of the error, 0 when there is none. */
  status: number;
  reload(): void;
  /** Puts in what a change answered, until the next reading. */
  set(data: Data): void;
}

/**
 * Reads from the API, again when `path` changes, and every `again(data)` ms while it is seen.
 * Without a path nothing is read.
 */
export function useApi<Data>(path: string, again?: (data: Data) => number): Loaded<Data> {
  const [state, setState] = useState<{ path: string; data?: Data; error: string; status: number }>({
    path,
    error: "",
    status: 0,
  });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!path) return;
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      let wait = 0;
      try {
        const data = await api<Data>(path, { signal: control.signal });
        setState({ path, data, error: "", status: 0 });
        wait = again?.(data) ?? 0;
      } catch (error) {
        if (control.signal.aborted) return;
        const status = error instanceof ApiError ? error.status : 0;
        if (status === 401) return signedOut();
        setState((before) => ({
          path,
          ...(before.path === path && before.data !== undefined ? { data: before.data } : {}),
          error: told(error),
          status,
        }));
        wait = again ? 10_000 : 0;
      }
      if (wait && !control.signal.aborted) timer = setTimeout(waitUntilSeen, wait);
    };
    const waitUntilSeen = () => {
      if (!document.hidden) return void read();
      const seen = () => {
        if (!document.hidden) void read();
      };
      document.addEventListener("visibilitychange", seen, { once: true, signal: control.signal });
    };
    void read();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [path, round]);
  const current = state.path === path;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : "",
    status: current ? state.status : 0,
    reload: () => setRound(round + 1),
    set: (data) => setState({ path, data, error: "", status: 0 }),
  };
}

/** The API no longer knows the session: it is dropped here as well. */
function signedOut(): void {
  forget();
  signInAgain();
}

/** A page's heading; gets the focus when the page is come to from another. */
export function Title({ children, page }: { children: ComponentChildren; page: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${page} · FFmpeg Micro`;
    if (moved) heading.current?.focus({ preventScroll: true });
    moved = true;
  }, [page]);
  return <h1 ref={heading} tabIndex={-1}>{children}</h1>;
}
let moved = false;

/** While something is read, or why it could not be. */
export function Waiting({ of }: { of: Loaded<unknown> }) {
  if (of.error)
    return (
      <Note tone="bad">
        {of.error}{" "}
        <button type="button" class="link" onClick={of.reload}>Try again</button>
      </Note>
    );
  if (of.data === undefined) return <p class="soft" role="status">Loading…</p>;
  return null;
}

export function Moment({ at, short }: { at: string; short?: boolean }) {
  return <time dateTime={at} title={when(at)}>{short ? date(at) : when(at)}</time>;
}

const STATUS: Record<Status, string> = {
  pending: "Pending",
  processing: "Processing",
  completed: "Completed",
  failed: "Failed",
  canceled: "Canceled",
};

export function StatusWord({ job }: { job: Job }) {
  const percent =
    job.status === "processing" && job.progress !== null ? ` ${Math.floor(job.progress)} %` : "";
  return <span class={`status ${job.status}`}>{STATUS[job.status] + percent}</span>;
}

export function underWay(job: Job): boolean {
  return job.status === "pending" || job.status === "processing";
}

/** What a job is called: the name its owner gave the first input. */
export function jobName(job: Job): string {
  const first = job.inputs[0];
  if (!first) return "a job";
  // An upload's stored name begins with its moment and a random part.
  const name = first.filename.replace(/^\d{8}-\d{6}-[0-9a-f]{8}-/, "");
  const more = job.inputs.length > 1 ? ` + ${job.inputs.length - 1}` : "";
  return `${name}${more} → ${job.output_format}`;
}

interface AskProps {
  label: string;
  danger?: boolean;
  question: string;
  /** What the button in the dialog does, as a verb. */
  verb: string;
  children?: ComponentChildren;
  act(): Promise<void>;
}

/** A button that asks before it acts. The dialog stays open with the error when that fails. */
export function Ask({ label, danger, question, verb, children, act }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { busy, error, setError, run } = useAction();
  const open = () => {
    setError("");
    dialog.current?.showModal();
  };
  const go = () =>
    run(async () => {
      await act();
      dialog.current?.close();
    });
  return (
    <>
      <button type="button" class={danger ? "danger" : undefined} onClick={open}>{label}</button>
      <dialog ref={dialog} aria-label={question}>
        <h2>{question}</h2>
        {children}
        {error && <Note tone="bad">{error}</Note>}
        <div class="row">
          <button type="button" onClick={() => dialog.current?.close()}>Back</button>
          <button type="button" class={danger ? "danger" : "main"} disabled={busy} onClick={go}>
            {busy ? "One moment…" : verb}
          </button>
        </div>
      </dialog>
    </>
  );
}
