// Form parts that the sign pages and the dashboard share.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface FieldProps {
  label: string;
  name: string;
  type?: "text" | "email" | "password" | "date" | "month";
  value: string;
  onValue(value: string): void;
  /** What is wrong with it, as a sentence. */
  error?: string | undefined;
  help?: ComponentChildren;
  autocomplete?: string;
  required?: boolean;
  maxLength?: number;
}

/** A labeled input; its help and its error are read out with it. */
export function Field({ label, help, error, value, onValue, type = "text", ...rest }: FieldProps) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = type === "password";
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class={secret ? "beside" : undefined}>
        <input
          {...rest}
          id={id}
          type={(secret && shown ? "text" : type) as "text"}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
          aria-invalid={error ? true : undefined}
          aria-describedby={help || error ? `${id}-help` : undefined}
          autocapitalize={secret || type === "email" ? "none" : undefined}
          spellcheck={secret || type === "email" ? false : undefined}
        />
        {secret && (
          <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? "Hide" : "Show"}
            <span class="hidden"> the password</span>
          </button>
        )}
      </div>
      {(help || error) && (
        <small id={`${id}-help`} class={error ? "error" : undefined}>{error || help}</small>
      )}
    </div>
  );
}

interface CheckProps {
  name: string;
  checked: boolean;
  onChecked(checked: boolean): void;
  error?: string | undefined;
  children: ComponentChildren;
}

export function Check({ name, checked, onChecked, error, children }: CheckProps) {
  const id = useId();
  return (
    <div class="field check">
      <label for={id}>
        <input
          id={id}
          name={name}
          type="checkbox"
          checked={checked}
          onChange={(event) => onChecked(event.currentTarget.checked)}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
        />
        <span>{children}</span>
      </label>
      {error && <small id={`${id}-error`} class="error">{error}</small>}
    </div>
  );
}

export type Tone = "good" | "bad" | "warn";

interface NoteProps {
  tone?: Tone;
  /** Moves the focus here when it appears, for what replaces a form. */
  focus?: boolean;
  children: ComponentChildren;
}

/** A box that says how something went; read out when it appears. */
export function Note({ tone, focus, children }: NoteProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (focus) box.current?.focus();
  }, []);
  const role = tone === "bad" ? "alert" : "status";
  return (
    <div ref={box} class={`note ${tone ?? ""}`} role={role} tabIndex={focus ? -1 : undefined}>
      {children}
    </div>
  );
}

/** Runs an action once at a time, and keeps the sentence of what went wrong. */
export function useAction(): {
  busy: boolean;
  error: string;
  setError(sentence: string): void;
  run(action: () => Promise<void>): Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  async function run(action: () => Promise<void>): Promise<void> {
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      await action();
    } catch (caught) {
      setError(told(caught));
    } finally {
      setBusy(false);
    }
  }
  return { busy, error, setError, run };
}

/** The sentence of an error. */
export function told(error: unknown): string {
  if (error instanceof Error && error.message) return error.message;
  return "Something went wrong. Try again in a moment.";
}

/** A form that checks itself: `check` gives the faults by field name; the first gets the focus. */
export function Form(props: {
  check?: () => Record<string, string>;
  onFaults?(faults: Record<string, string>): void;
  onSend(): void;
  label?: string;
  children: ComponentChildren;
}) {
  function submit(event: SubmitEvent & { currentTarget: HTMLFormElement }): void {
    event.preventDefault();
    const faults = props.check?.() ?? {};
    props.onFaults?.(faults);
    const first = Object.keys(faults)[0];
    if (first === undefined) return props.onSend();
    const field = event.currentTarget.elements.namedItem(first);
    if (field instanceof HTMLElement) field.focus();
  }
  return <form noValidate onSubmit={submit} aria-label={props.label}>{props.children}</form>;
}

export const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
export const SHORTEST_PASSWORD = 8;
