// The site's names for the API's types, which schema.ts has. Where the document only says "object",
// the fields that the site reads are declared here.
import type { JobRequest } from "./run/request";
import type * as api from "./schema";

export type {
  Access,
  Account,
  Billing,
  Export,
  Invoice,
  Key,
  PlanShown as Plan,
  Report,
  Usage,
  Entry as LedgerEntry,
} from "./schema";

export type Status = api.Transcode["status"];

export interface Option {
  option: string;
  argument?: string | null;
}

type Told = "inputs" | "request" | "ffmpeg_options";

export interface Job extends Required<Omit<api.Transcode, Told>> {
  inputs: (Omit<api.JobInput, "options"> & { options?: Option[] })[];
  /** As it was created; null in lists. */
  request: JobRequest | null;
  ffmpeg_options:
    | (Omit<api.FfmpegOptions, "options" | "preset"> & {
        options: Option[];
        preset: Record<string, string> | null;
      })
    | null;
}

export interface Page<Item> {
  items: Item[];
  page: number;
  limit: number;
  total: number;
  /** Of lists that have cursors; null on the last page. */
  next_cursor?: string | null;
}
