// What the service says of a request before it runs: its plan and price, or what it refuses.
import { useEffect, useState } from "preact/hooks";
import { api, ApiError } from "../../api";
import { Note, told } from "../../forms";
import { minutes, seconds } from "../../format";

const PAUSE_MS = 700;

interface Validation {
  streams: { kind: "audio" | "video"; action: "copy" | "encode"; why: string }[];
  command: string | null;
  output_seconds: number | null;
  minutes: number | null;
  minutes_left: number;
  notes: string[];
  warnings: string[];
}

interface Refusal {
  flag: string;
  rule: string;
  alternative: string | null;
}

/** Asks of the request once nobody has changed it for a moment. */
export function Verdict({ json }: { json: string }) {
  const [state, setState] = useState<{ of: string; found?: Validation; error?: unknown }>();
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const found = await api<Validation>("/v1/validate", {
          body: JSON.parse(json),
          signal: control.signal,
        });
        setState({ of: json, found });
      } catch (error) {
        if (!control.signal.aborted) setState({ of: json, error });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [json]);
  const old = state?.of !== json;
  return (
    <div class={`verdict${old ? " old" : ""}`} aria-busy={old}>
      {!state ? (
        <p class="soft" role="status">Asking what it would do…</p>
      ) : state.found ? (
        <Plan of={state.found} />
      ) : (
        <Refused error={state.error} />
      )}
    </div>
  );
}

function Plan({ of: plan }: { of: Validation }) {
  return (
    <>
      <p role="status">
        <strong>
          {plan.minutes === null ? "The price is known when it runs" : `It costs ${minutes(plan.minutes)}`}
        </strong>
        {plan.output_seconds !== null && plan.output_seconds > 0 && (
          <>, the result lasts {seconds(plan.output_seconds)}</>
        )}
        .{" "}
        <span class="soft">{minutes(plan.minutes_left)} are left this month.</span>
      </p>
      {plan.streams.length > 0 && (
        <ul>
          {plan.streams.map((stream) => (
            <li key={stream.kind}>
              {stream.kind === "video" ? "Picture" : "Sound"}:{" "}
              {stream.action === "copy" ? "copied" : "encoded"}. {stream.why}
            </li>
          ))}
        </ul>
      )}
      {plan.warnings.length > 0 && <Note tone="warn">{plan.warnings.join(" ")}</Note>}
      {plan.notes.length > 0 && <p class="soft">{plan.notes.join(" ")}</p>}
      {plan.command && (
        <details>
          <summary>The command of ffmpeg</summary>
          <pre class="wrap" tabIndex={0}><code>{plan.command}</code></pre>
        </details>
      )}
    </>
  );
}

function Refused({ error }: { error: unknown }) {
  const refusals = error instanceof ApiError ? (error.body.refusals as Refusal[] | undefined) : undefined;
  if (!refusals?.length) return <Note tone="bad">{told(error)}</Note>;
  return (
    <Note tone="bad">
      <p>This would be refused:</p>
      <ul>
        {refusals.map((each, index) => (
          <li key={index}>
            <code>{each.flag}</code>: {each.rule}
            {each.alternative && <> {each.alternative}</>}
          </li>
        ))}
      </ul>
    </Note>
  );
}
