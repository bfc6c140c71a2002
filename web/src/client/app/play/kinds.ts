// What the playground makes: each kind as fields to fill in and the request that they become.
import type { JobRequest, OptionItem } from "../../run/request";

export interface Choice {
  value: string;
  label: string;
}

export interface Field {
  name: string;
  label: string;
  kind: "select" | "number" | "text" | "words" | "color" | "check";
  /** What it is before anybody touches it. */
  value: string;
  choices?: Choice[];
  min?: number;
  max?: number;
  step?: number;
  help?: string;
  /** May be left empty. */
  optional?: boolean;
}

export type Values = Record<string, string>;

export interface Kind {
  name: string;
  label: string;
  about: string;
  fields: Field[];
  /** How many sources it takes at least; more than one are joined. */
  sources: 1 | 2;
  /** A second file that it needs. */
  extra?: { label: string; files: "pictures" | "subtitles" };
  /** What is wrong with the fields together, or nothing. */
  wrong?(values: Values): string;
  request(values: Values, urls: string[], extra: string): JobRequest;
}

const list = (...pairs: (string | [string, string])[]): Choice[] =>
  pairs.map((pair) =>
    typeof pair === "string" ? { value: pair, label: pair } : { value: pair[0], label: pair[1] },
  );

const VIDEOS = list("mp4", "webm", "mov", "avi");
const SOUNDS = list("mp3", "m4a", "aac", "wav", "ogg", "opus", "flac");
const PICTURES = list("jpeg", "png", "webp");

const QUALITIES = list(["high", "High"], ["medium", "Medium"], ["low", "Low"]);
const RESOLUTIONS = list(["", "As it is"], "480p", "720p", "1080p", "4k");
const PLACES = list(
  ["top-left", "Top left"], ["top", "Top"], ["top-right", "Top right"], ["center", "Middle"],
  ["bottom-left", "Bottom left"], ["bottom", "Bottom"], ["bottom-right", "Bottom right"],
);
const CORNERS = list(
  ["bottom-right", "Bottom right"], ["bottom-left", "Bottom left"],
  ["top-right", "Top right"], ["top-left", "Top left"], ["center", "Middle"],
);

const select = (name: string, label: string, choices: Choice[], value?: string): Field => ({
  name, label, kind: "select", choices, value: value ?? choices[0]?.value ?? "",
});
const number = (
  name: string, label: string, value: string, rest: Partial<Field> = {},
): Field => ({ name, label, kind: "number", value, ...rest });
const time = (name: string, label: string, value: string, rest: Partial<Field> = {}): Field => ({
  name, label, kind: "text", value, help: "Seconds, or as 1:23.5.", ...rest,
});

const VIDEO_FORMAT = select("format", "Format", VIDEOS);

/** A time as the service takes it: a number of seconds, or text such as 1:23. */
function moment(text: string): number | string {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** A preset of what was chosen; nothing when nothing was. */
function preset(values: Values): Pick<JobRequest, "preset"> {
  const { quality, resolution } = values;
  if (!quality && !resolution) return {};
  return { preset: { ...(quality ? { quality } : {}), ...(resolution ? { resolution } : {}) } };
}

function made(format: string, urls: string[], ...options: OptionItem[]): JobRequest {
  return {
    inputs: urls.slice(0, 1).map((url) => ({ url })),
    outputFormat: format,
    ...(options.length ? { options } : {}),
  };
}

function scaled({ width, height, how }: Values): string {
  if (!width || !height) return `scale=${width || "-2"}:${height || "-2"}`;
  const size = `${width}:${height}`;
  const fitted = `scale=${size}:force_original_aspect_ratio`;
  if (how === "fill") return `${fitted}=increase,crop=${size}`;
  if (how === "pad") return `${fitted}=decrease,pad=${size}:(ow-iw)/2:(oh-ih)/2`;
  if (how === "stretch") return `scale=${size}`;
  return `${fitted}=decrease:force_divisible_by=2`;
}

export const KINDS: Kind[] = [
  {
    name: "convert",
    label: "Convert",
    about: "Another format. Streams that already fit are copied and not encoded again.",
    sources: 1,
    fields: [
      select("format", "Format", [...VIDEOS, ...SOUNDS, ...list("gif"), ...PICTURES]),
      select("quality", "Quality", [{ value: "", label: "As it is, where it fits" }, ...QUALITIES]),
      select("resolution", "Resolution", RESOLUTIONS),
    ],
    request: (values, urls) => ({ ...made(values.format!, urls), ...preset(values) }),
  },
  {
    name: "compress",
    label: "Compress",
    about: "A smaller video.",
    sources: 1,
    fields: [
      select("quality", "Quality", QUALITIES, "low"),
      select("resolution", "Resolution", RESOLUTIONS, "720p"),
      VIDEO_FORMAT,
    ],
    request: (values, urls) => ({ ...made(values.format!, urls), ...preset(values) }),
  },
  {
    name: "resize",
    label: "Resize",
    about: "Another width and height. Leave one empty to keep the shape.",
    sources: 1,
    fields: [
      number("width", "Width in pixels", "640", { min: 16, max: 7680, step: 2, optional: true }),
      number("height", "Height in pixels", "", { min: 16, max: 7680, step: 2, optional: true }),
      select("how", "When both are given", list(
        ["fit", "Fit within"], ["fill", "Fill and crop"], ["pad", "Fit, with bars"],
        ["stretch", "Stretch"],
      )),
      select("format", "Format", [...VIDEOS, ...PICTURES]),
    ],
    wrong: ({ width, height }) => (width || height ? "" : "Say a width, a height, or both."),
    request: (values, urls) =>
      made(values.format!, urls, { option: "-vf", argument: scaled(values) }),
  },
  {
    name: "trim",
    label: "Trim",
    about: "A part of it. Only that part is counted in minutes.",
    sources: 1,
    fields: [
      time("start", "From", "0"),
      time("duration", "For", "5"),
      select("format", "Format", [...VIDEOS, ...SOUNDS]),
    ],
    request: ({ start, duration, format }, urls) =>
      made(format!, urls, {
        option: "@trim",
        argument: { start: moment(start!), duration: moment(duration!) },
      }),
  },
  {
    name: "gif",
    label: "GIF",
    about: "A part of a video as a moving picture.",
    sources: 1,
    fields: [
      time("start", "From", "0"),
      time("duration", "For", "3"),
      number("width", "Width in pixels", "480", { min: 16, max: 1920, step: 1 }),
      number("fps", "Pictures a second", "12", { min: 1, max: 50, step: 1 }),
    ],
    request: ({ start, duration, width, fps }, urls) =>
      made(
        "gif", urls,
        { option: "@trim", argument: { start: moment(start!), duration: moment(duration!) } },
        { option: "-vf", argument: `fps=${fps},scale=${width}:-2` },
      ),
  },
  {
    name: "thumbnail",
    label: "Thumbnail",
    about: "One picture of a video, or a sheet of several.",
    sources: 1,
    fields: [
      time("at", "At", "1", {
        optional: true, help: "Seconds, as 1:23, or a part such as 50%. A sheet spans the whole.",
      }),
      number("count", "Pictures on a sheet", "", {
        min: 2, max: 100, step: 1, optional: true, help: "Empty for one picture.",
      }),
      number("width", "Width in pixels", "", { min: 16, max: 4096, step: 1, optional: true }),
      select("format", "Format", PICTURES),
    ],
    request: ({ at, count, width, format }, urls) =>
      made(format!, urls, {
        option: "@thumbnail",
        argument: {
          ...(count ? { count: Number(count) } : at ? { at: moment(at) } : {}),
          ...(width ? { width: Number(width) } : {}),
        },
      }),
  },
  {
    name: "audio",
    label: "Audio",
    about: "Audio only.",
    sources: 1,
    fields: [
      select("format", "Format", SOUNDS),
      select("quality", "Quality", [{ value: "", label: "As it is, where it fits" }, ...QUALITIES]),
      { name: "normalize", label: "Even out the loudness (EBU R 128)", kind: "check", value: "" },
    ],
    request: (values, urls) => ({
      ...made(values.format!, urls, ...(values.normalize ? [{ option: "@normalize" }] : [])),
      ...preset(values),
    }),
  },
  {
    name: "text",
    label: "Text",
    about: "Text over the video, in any script.",
    sources: 1,
    fields: [
      { name: "text", label: "Words", kind: "words", value: "Hello, world" },
      select("position", "Where", PLACES, "bottom"),
      number("size", "Size in pixels", "48", { min: 12, max: 200, step: 1 }),
      { name: "color", label: "Color", kind: "color", value: "#ffffff" },
      VIDEO_FORMAT,
    ],
    request: ({ text, position, size, color, format }, urls) =>
      made(format!, urls, {
        option: "@text-overlay",
        argument: { text, style: { position, fontSize: Number(size), fontColor: color } },
      }),
  },
  {
    name: "watermark",
    label: "Watermark",
    about: "A picture over the video.",
    sources: 1,
    extra: { label: "Image", files: "pictures" },
    fields: [
      select("position", "Where", CORNERS),
      select("size", "Size", list(["small", "Small"], ["medium", "Medium"], ["large", "Large"])),
      number("opacity", "Opacity", "0.8", { min: 0, max: 1, step: 0.1 }),
      VIDEO_FORMAT,
    ],
    request: ({ position, size, opacity, format }, urls, extra) =>
      made(format!, urls, {
        option: "@watermark",
        argument: { url: extra, position, size, opacity: Number(opacity) },
      }),
  },
  {
    name: "subtitles",
    label: "Subtitles",
    about: "Subtitles burned into the video.",
    sources: 1,
    extra: { label: "The subtitles: SRT, WebVTT or ASS", files: "subtitles" },
    fields: [
      select("position", "Where", list(["bottom", "Bottom"], ["center", "Middle"], ["top", "Top"])),
      { name: "box", label: "A box behind the words", kind: "check", value: "" },
      VIDEO_FORMAT,
    ],
    request: ({ position, box, format }, urls, extra) =>
      made(format!, urls, {
        option: "@subtitles",
        argument: { url: extra, style: { position, ...(box ? { box: true } : {}) } },
      }),
  },
  {
    name: "concat",
    label: "Join",
    about: "Several files one after the other, whatever their sizes and rates.",
    sources: 2,
    fields: [
      select("format", "Format", [...VIDEOS, ...SOUNDS]),
      select("quality", "Quality", [{ value: "", label: "As it is, where it fits" }, ...QUALITIES]),
      select("resolution", "Resolution", RESOLUTIONS),
    ],
    request: (values, urls) => ({
      inputs: urls.map((url) => ({ url })),
      outputFormat: values.format!,
      ...preset(values),
    }),
  },
  {
    name: "speed",
    label: "Speed",
    about: "Faster or slower, picture and sound alike; the pitch stays.",
    sources: 1,
    fields: [
      number("factor", "Times as fast", "2", { min: 0.1, max: 10, step: 0.1 }),
      VIDEO_FORMAT,
    ],
    request: ({ factor, format }, urls) =>
      made(format!, urls, { option: "@speed", argument: { factor: Number(factor) } }),
  },
];

/** The fields of a kind as nobody has touched them. */
export function untouched(kind: Kind): Values {
  return Object.fromEntries(kind.fields.map((field) => [field.name, field.value]));
}

/** What is wrong with a field's value, or nothing. */
export function fault(field: Field, value: string): string {
  if (field.kind === "check") return "";
  if (!value.trim()) return field.optional || field.kind === "select" ? "" : "Write something here.";
  if (field.kind !== "number") return "";
  const given = Number(value);
  const { min = -Infinity, max = Infinity, step = 0 } = field;
  if (!(given >= min && given <= max)) return `Between ${min} and ${max}.`;
  if (step < 1 || given % step === 0) return "";
  // Most encoders of video take no odd sizes.
  return step === 2 ? "An even number." : "A whole number.";
}
