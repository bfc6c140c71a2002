import { useState } from "preact/hooks";

/** A button that copies `text`, and says whether it did. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied("Copied"),
      () => setCopied("Not copied: select the text and copy it yourself"),
    );
  return (
    <span class="row">
      <button type="button" onClick={copy}>Copy<span class="hidden"> {what}</span></button>
      <span class="soft" role="status">{copied}</span>
    </span>
  );
}
