// What "Try it" offers: each choice as the request that it makes.
import { extension } from "../run/upload";
import type { JobRequest } from "../run/request";

export interface Choice {
  name: string;
  label: string;
  /** Whether it can be had from a file of this name. */
  fits(filename: string): boolean;
  request(url: string): JobRequest;
}

const SOUNDS = ["mp3", "m4a", "aac", "wav", "ogg", "oga", "opus", "flac"];
const STILLS = ["jpg", "jpeg", "png", "webp"];

const hasPicture = (name: string) => !SOUNDS.includes(extension(name));
const moves = (name: string) => hasPicture(name) && !STILLS.includes(extension(name));
const mayHaveSound = (name: string) => ![...STILLS, "gif"].includes(extension(name));

export const CHOICES: Choice[] = [
  {
    name: "smaller",
    label: "A smaller video (MP4, 480p)",
    fits: moves,
    request: (url) => ({
      inputs: [{ url }],
      outputFormat: "mp4",
      preset: { quality: "medium", resolution: "480p" },
    }),
  },
  {
    name: "gif",
    label: "A GIF of the first 3 seconds",
    fits: moves,
    request: (url) => ({
      inputs: [{ url }],
      outputFormat: "gif",
      options: [
        { option: "@trim", argument: { start: 0, duration: 3 } },
        { option: "-vf", argument: "fps=12,scale=360:-2" },
      ],
    }),
  },
  {
    name: "picture",
    label: "A picture (JPEG)",
    fits: moves,
    request: (url) => ({
      inputs: [{ url }],
      outputFormat: "jpeg",
      options: [{ option: "@thumbnail", argument: { at: 1 } }],
    }),
  },
  {
    name: "text",
    label: "The video with words on it",
    fits: moves,
    request: (url) => ({
      inputs: [{ url }],
      outputFormat: "mp4",
      options: [
        {
          option: "@text-overlay",
          argument: { text: "Hello, world", style: { position: "bottom" } },
        },
      ],
    }),
  },
  {
    name: "sound",
    label: "Audio only (MP3)",
    fits: mayHaveSound,
    request: (url) => ({ inputs: [{ url }], outputFormat: "mp3" }),
  },
  {
    name: "webp",
    label: "A WebP picture",
    fits: (name) => STILLS.includes(extension(name)),
    request: (url) => ({ inputs: [{ url }], outputFormat: "webp" }),
  },
  {
    name: "png",
    label: "A PNG picture",
    fits: (name) => STILLS.includes(extension(name)),
    request: (url) => ({ inputs: [{ url }], outputFormat: "png" }),
  },
];
