// Where a file is dropped or chosen; its upload with progress, canceling and resuming.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import { Note, told } from "../forms";
import { bytes } from "../format";
import { MEDIA, uploadFile, type Stored } from "./upload";

interface UploadBoxProps {
  /** What is asked for, such as "Your media". */
  label: string;
  /** Extensions, as `accept` of a file input. */
  accept?: string;
  maxBytes?: number | undefined;
  /** The key to upload with, asked for when a file is there; without it, the session. */
  visitorKey?(): Promise<string>;
  /** A file to send without being chosen here. */
  given?: File | undefined;
  onStored(stored: Stored, file: File): void;
  disabled?: boolean;
}

type Step =
  | { name: "empty"; error?: string }
  | { name: "sending"; file: File; sent: number }
  | { name: "paused"; file: File; sent: number; error: string };

export function UploadBox(props: UploadBoxProps) {
  const { label, accept = MEDIA, maxBytes, disabled } = props;
  const [step, setStep] = useState<Step>({ name: "empty" });
  const [over, setOver] = useState(false);
  const [spoken, setSpoken] = useState("");
  const control = useRef<AbortController | null>(null);
  const id = useId();
  useEffect(() => () => control.current?.abort(), []);
  useEffect(() => {
    if (props.given) void send(props.given);
  }, [props.given]);

  async function send(file: File, sent = 0): Promise<void> {
    if (maxBytes && file.size > maxBytes)
      return setStep({
        name: "empty",
        error: `${file.name} has ${bytes(file.size)}; at most ${bytes(maxBytes)} are taken here.`,
      });
    control.current?.abort();
    const own = new AbortController();
    control.current = own;
    setStep({ name: "sending", file, sent });
    setSpoken(`Uploading ${file.name}`);
    let reached = sent;
    try {
      const key = await props.visitorKey?.();
      const stored = await uploadFile(file, {
        key,
        accept,
        signal: own.signal,
        onProgress: (fraction) => {
          reached = fraction;
          if (!own.signal.aborted) setStep({ name: "sending", file, sent: fraction });
        },
      });
      if (own.signal.aborted) return;
      setStep({ name: "empty" });
      setSpoken(`${file.name} is uploaded`);
      props.onStored(stored, file);
    } catch (error) {
      if (own.signal.aborted) return;
      // What is wrong with the file itself no second try mends.
      if (error instanceof ApiError && [400, 413, 422].includes(error.status))
        setStep({ name: "empty", error: told(error) });
      else setStep({ name: "paused", file, sent: reached, error: told(error) });
    }
  }

  function pause(): void {
    if (step.name !== "sending") return;
    control.current?.abort();
    setStep({ name: "paused", file: step.file, sent: step.sent, error: "" });
    setSpoken("The upload is paused");
  }

  function cancel(): void {
    control.current?.abort();
    setStep({ name: "empty" });
    setSpoken("The upload is canceled");
  }

  if (step.name !== "empty")
    return (
      <div class="card upload" role="group" aria-label={label}>
        <p>
          <strong class="name">{step.file.name}</strong>{" "}
          <small>{bytes(step.file.size)}</small>
        </p>
        <progress max={1} value={step.sent} aria-label={`Upload of ${step.file.name}`} />
        <p class="row between">
          <small>
            {step.name === "paused"
              ? `Stopped at ${Math.floor(step.sent * 100)} %`
              : step.sent < 1
                ? `${Math.floor(step.sent * 100)} % sent`
                : "Looking into the file"}
          </small>
          <span class="row">
            {step.name === "sending" ? (
              <button type="button" onClick={pause}>Pause</button>
            ) : (
              <button type="button" class="main" onClick={() => void send(step.file, step.sent)}>
                Resume
              </button>
            )}
            <button type="button" onClick={cancel}>Cancel</button>
          </span>
        </p>
        {step.name === "paused" && step.error && <Note tone="bad">{step.error}</Note>}
        <span class="hidden" role="status">{spoken}</span>
      </div>
    );
  return (
    <div>
      <div
        class={`card upload drop${over ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          const file = event.dataTransfer?.files[0];
          if (file && !disabled) void send(file);
        }}
      >
        <label for={id}>{label}</label>
        <input
          id={id}
          type="file"
          accept={accept}
          disabled={disabled}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) void send(file);
          }}
        />
        <small>
          Drop a file here, or choose one{maxBytes ? `; up to ${bytes(maxBytes)}` : ""}.
        </small>
      </div>
      {step.error && <Note tone="bad">{step.error}</Note>}
      <span class="hidden" role="status">{spoken}</span>
    </div>
  );
}
