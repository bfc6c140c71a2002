// The same request as curl, Python and JavaScript, in tabs.
import { useId, useRef, useState } from "preact/hooks";
import { Copy } from "./copy";
import { LANGUAGES, program, type JobRequest, type LocalFile } from "./request";

interface CodeTabsProps {
  request: JobRequest;
  /** What the code uploads first; UPLOADED stands for it in the request. */
  file?: LocalFile | undefined;
}

export function CodeTabs({ request, file }: CodeTabsProps) {
  const [at, setAt] = useState(0);
  const id = useId();
  const tabs = useRef<HTMLDivElement>(null);
  const language = LANGUAGES[at] ?? "curl";
  const code = program(language, request, location.origin, file);
  const go = (to: number) => {
    const next = (to + LANGUAGES.length) % LANGUAGES.length;
    setAt(next);
    tabs.current?.querySelectorAll("button")[next]?.focus();
  };
  return (
    <div class="code-tabs">
      <div class="row between">
        <div ref={tabs} role="tablist" aria-label="Language" class="switch">
          {LANGUAGES.map((each, index) => (
            <button
              key={each}
              type="button"
              role="tab"
              id={`${id}-${index}`}
              aria-selected={index === at}
              aria-controls={`${id}-panel`}
              tabIndex={index === at ? 0 : -1}
              onClick={() => setAt(index)}
              onKeyDown={(event) => {
                if (event.key === "ArrowRight") go(at + 1);
                else if (event.key === "ArrowLeft") go(at - 1);
                else if (event.key === "Home") go(0);
                else if (event.key === "End") go(LANGUAGES.length - 1);
              }}
            >
              {each}
            </button>
          ))}
        </div>
        <Copy text={code} what="the code" />
      </div>
      <pre id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${at}`} tabIndex={0}>
        <code>{code}</code>
      </pre>
    </div>
  );
}
