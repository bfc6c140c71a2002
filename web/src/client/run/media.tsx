// Shows a file that the browser can play, or says that it can't.
import { useState } from "preact/hooks";

const SOUNDS = ["mp3", "m4a", "aac", "wav", "ogg", "opus", "flac"];
const PICTURES = ["jpeg", "jpg", "png", "gif", "webp"];

/** How a file of this extension is shown; the class of what stands there until then too. */
export function kindOf(format: string): "picture" | "sound" | "video" {
  if (PICTURES.includes(format)) return "picture";
  return SOUNDS.includes(format) ? "sound" : "video";
}

interface MediaProps {
  src: string;
  /** The extension, which says how it is shown. */
  format: string;
  /** What it is, for those who don't see it. */
  label: string;
  /** Before it is said that it can't be shown: true when another `src` will come. */
  onBroken?(): boolean;
}

export function Media({ src, format, label, onBroken }: MediaProps) {
  const [broken, setBroken] = useState("");
  const failed = () => {
    if (!onBroken?.()) setBroken(src);
  };
  if (broken === src)
    return <p class="soft preview">This browser can't show {format || "this file"}. The file is whole.</p>;
  const kind = kindOf(format);
  if (kind === "picture")
    return <img class="preview" src={src} alt={label} onError={failed} />;
  if (kind === "sound")
    return <audio class="preview" src={src} aria-label={label} controls preload="metadata" onError={failed} />;
  return (
    <video class="preview" src={src} aria-label={label} controls playsInline preload="metadata" onError={failed} />
  );
}
