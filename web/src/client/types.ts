// The API's shapes, as lib/http/openapi.yaml has them; of long ones what is shown.
import type { JobRequest } from "./run/request";

export type Status = "pending" | "processing" | "completed" | "failed" | "canceled";

export interface Option {
  option: string;
  argument?: string | null;
}

export interface JobInput {
  url: string;
  filename: string;
  /** Seconds; 0 for a still image, and until it is known. */
  duration: number;
  format: string;
  size_bytes: string;
  options?: Option[];
  downloadUrl?: string;
}

export interface JobOutput {
  url: string;
  filename: string;
  size_bytes: number;
  format: string;
}

export interface Receipt {
  inputs: { size_bytes: number; sha256: string | null; fetched_bytes: number }[];
  output: { size_bytes: number; sha256: string };
  arguments: string[];
  ffmpeg: string;
  wall_seconds: number;
  cpu_seconds: number;
  bytes_in: number;
  bytes_out: number;
  streams: { kind: "audio" | "video"; action: "copy" | "encode"; why: string }[];
  notes: string[];
  cage: string[];
}

export interface Job {
  id: string;
  status: Status;
  output_format: string;
  inputs: JobInput[];
  outputs: JobOutput[];
  created_at: string;
  updated_at: string;
  started_at: string | null;
  completed_at: string | null;
  queue_position: number | null;
  progress: number | null;
  seconds_left: number | null;
  billable_minutes: number;
  processing_time_seconds: number | null;
  error_message: string | null;
  error_category: string;
  metadata: Record<string, unknown>;
  ffmpeg_options: {
    source: "defaults" | "preset" | "raw_options" | "virtual_options";
    options: Option[];
    preset: Record<string, string> | null;
  } | null;
  receipt: Receipt | null;
  /** As it was made; null in lists. */
  request: JobRequest | null;
  files_expire_at: string | null;
  files_deleted_at: string | null;
}

export interface Page<Item> {
  items: Item[];
  page: number;
  limit: number;
  total: number;
  /** Of lists that have cursors; null on the last page. */
  next_cursor?: string | null;
}

export interface Plan {
  id: string;
  name: string;
  price_cents: number;
  minutes_per_month: number;
  max_input_bytes: number;
  max_output_bytes: number;
  max_job_seconds: number;
  jobs_at_once: number;
  requests_per_minute: number;
}

export interface Account {
  id: string;
  email: string | null;
  name: string | null;
  created_at: string;
  plan: Plan;
  /** Hours. */
  retention: { inputs: number; outputs: number };
  policies: { version: string; accepted_at: string }[];
}

export interface Usage {
  period: string;
  minutes_limit: number;
  minutes_used: number;
  minutes_reserved: number;
  minutes_left: number;
  resets_at: string;
  days: { date: string; minutes: number; jobs: number }[];
  kinds: { job_type: string; minutes: number; jobs: number }[];
}

export interface Key {
  id: string;
  label: string;
  scopes: ("jobs" | "read")[];
  starts_with: string;
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
}

export interface Billing {
  plan: string;
  status: string | null;
  period_end: string | null;
  next_plan: string | null;
  grace_until: string | null;
}

export interface Invoice {
  id: string;
  number: string | null;
  status: string;
  currency: string;
  amount_cents: number;
  created_at: string;
  url: string | null;
  pdf: string | null;
}

export interface Export {
  id: string | null;
  status: "none" | "pending" | "ready" | "deleted" | "failed";
  created_at: string | null;
  expires_at: string | null;
  url: string | null;
}

export interface Report {
  id: string;
  job_id: string;
  message: string;
  state: "closed" | "open";
  created_at: string;
  closed_at: string | null;
}

export interface Access {
  at: string;
  who: string;
  job_id: string;
  reason: string;
  legal_reference: string | null;
  until: string;
  files: string[];
}

export interface LedgerEntry {
  at: string;
  kind: "reserve" | "settle" | "release" | "refund" | "grant";
  minutes: number;
  job_id: string | null;
  period: string;
}
