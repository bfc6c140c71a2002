// A file of the playground: uploaded here, or named by its URL.
import { useId, useState } from "preact/hooks";
import { bytes, seconds } from "../../format";
import { Form } from "../../forms";
import { UploadBox } from "../../run/upload-box";
import { MEDIA, SUBTITLE_FILES, type Stored } from "../../run/upload";

/** A file that a job may name. */
export interface Chosen {
  url: string;
  name: string;
  size: number | undefined;
  /** Seconds. */
  duration: number | undefined;
}

export const FILES = {
  media: MEDIA,
  pictures: ".png,.jpg,.jpeg,.webp",
  subtitles: SUBTITLE_FILES,
};

function stored(file: Stored): Chosen {
  const { url, name, size, metadata } = file;
  return { url, name, size, duration: metadata.duration_seconds };
}

/** What the last part of an address is called. */
function fileName(address: string): string {
  const last = new URL(address).pathname.split("/").pop() || address;
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // It has a % that escapes nothing.
  }
}

interface PickProps {
  label: string;
  files: keyof typeof FILES;
  maxBytes: number | undefined;
  onChosen(chosen: Chosen): void;
}

/** Asks for a file or a URL. */
export function Pick({ label, files, maxBytes, onChosen }: PickProps) {
  const [url, setUrl] = useState("");
  const [fault, setFault] = useState("");
  const id = useId();
  const named = () => {
    const address = url.trim();
    if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
      return setFault("Write an address that begins with https:// or http://.");
    setFault("");
    setUrl("");
    onChosen({ url: address, name: fileName(address), size: undefined, duration: undefined });
  };
  return (
    <div class="pick">
      <UploadBox
        label={label}
        accept={FILES[files]}
        maxBytes={maxBytes}
        onStored={(file) => onChosen(stored(file))}
      />
      <Form onSend={named} label={`${label}, by address`}>
        <label for={id}>or its public URL</label>
        <div class="beside">
          <input
            id={id}
            type="url"
            inputMode="url"
            placeholder="https://"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
            aria-invalid={fault ? true : undefined}
            aria-describedby={fault ? `${id}-fault` : undefined}
          />
          <button>Take it</button>
        </div>
        {fault && <small class="error" id={`${id}-fault`}>{fault}</small>}
      </Form>
    </div>
  );
}

interface ChosenListProps {
  chosen: Chosen[];
  onChange(chosen: Chosen[]): void;
}

/** What is chosen, in its order. */
export function ChosenList({ chosen, onChange }: ChosenListProps) {
  const swap = (index: number) => {
    const next = [...chosen];
    const [moved] = next.splice(index, 1);
    next.splice(index - 1, 0, moved!);
    onChange(next);
  };
  return (
    <ol class="files chosen">
      {chosen.map((each, index) => (
        <li key={`${each.url}-${index}`} class="row between">
          <span>
            <strong class="name">{each.name}</strong>
            <small>
              {[each.size && bytes(each.size), each.duration && seconds(each.duration)]
                .filter(Boolean)
                .join(", ") || each.url}
            </small>
          </span>
          <span class="row">
            {index > 0 && (
              <button type="button" onClick={() => swap(index)}>
                Up<span class="hidden">: {each.name}</span>
              </button>
            )}
            <button type="button" onClick={() => onChange(chosen.filter((_, at) => at !== index))}>
              Remove<span class="hidden"> {each.name}</span>
            </button>
          </span>
        </li>
      ))}
    </ol>
  );
}
