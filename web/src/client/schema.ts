// The API's types, from lib/http/service/openapi.yaml by `make openapi`. Don't edit.

/** An error. */
export interface Error {
  /** A sentence to act on. A 401 says `unauthorized`. */
  error: string;
  /** The same sentence; of a 401, what to do. */
  message: string;
  /** A stable code, one of the table in the docs. */
  code: string;
  /** More about it. */
  details?: string | null;
}

/** A file to upload. The route parses it in the sentences that official clients match. */
export interface PresignRequest {
  /** Your name for the file, in any script. Jobs and downloads show it, without control characters and path separators; past 255 bytes of UTF-8 it is cut. */
  filename: string;
  /** With application/octet-stream and text/plain, the extension of `filename` must tell what the file is. */
  contentType: "application/octet-stream" | "application/ogg" | "application/srt" | "application/x-subrip" | "audio/3gpp" | "audio/3gpp2" | "audio/aac" | "audio/ac3" | "audio/aiff" | "audio/amr" | "audio/eac3" | "audio/flac" | "audio/m4a" | "audio/matroska" | "audio/mp3" | "audio/mp4" | "audio/mpeg" | "audio/ogg" | "audio/opus" | "audio/vnd.wave" | "audio/wav" | "audio/wave" | "audio/webm" | "audio/x-aac" | "audio/x-aiff" | "audio/x-caf" | "audio/x-flac" | "audio/x-m4a" | "audio/x-matroska" | "audio/x-ms-wma" | "audio/x-wav" | "image/apng" | "image/avif" | "image/bmp" | "image/gif" | "image/heic" | "image/heif" | "image/jpeg" | "image/jpg" | "image/jxl" | "image/png" | "image/tiff" | "image/webp" | "image/x-ms-bmp" | "text/plain" | "text/srt" | "text/vtt" | "text/x-ass" | "text/x-ssa" | "video/3gpp" | "video/3gpp2" | "video/matroska" | "video/mp2t" | "video/mp4" | "video/mpeg" | "video/ogg" | "video/quicktime" | "video/webm" | "video/x-flv" | "video/x-m4v" | "video/x-matroska" | "video/x-ms-asf" | "video/x-ms-wmv" | "video/x-msvideo";
  /** The exact number of bytes you will send. */
  fileSize: number;
}

/** A link to upload a file to. */
export interface PresignedAnswer {
  /** Always true. */
  success: boolean;
  /** The link. */
  result: Presigned;
}

/** Where to PUT the bytes. */
export interface Presigned {
  /** PUT the file's bytes here, with the same `Content-Type`; no key. */
  uploadUrl: string;
  /** The stored name, to be given to confirm. */
  filename: string;
  /** When the link expires, ISO 8601. */
  expiresAt: string;
}

/** An upload whose bytes were sent. Parsed by the route, as PresignRequest. */
export interface ConfirmRequest {
  /** `result.filename` of the presigned-url response. */
  filename: string;
  /** Bytes sent. */
  fileSize: number;
  /** Accepted and not needed. */
  uploadId?: string | null;
}

/** An upload that is stored. */
export interface ConfirmedAnswer {
  /** Always true. */
  success: boolean;
  /** The file. */
  result: Confirmed;
}

/** A file that is stored and was looked into. */
export interface Confirmed {
  /** The `gs://` address, for `inputs[].url`. */
  fileUrl: string;
  /** A signed link to the file; it lives an hour. */
  downloadUrl: string;
  /** The stored name. */
  filename: string;
  /** The file's size in bytes. */
  fileSize: number;
  /** When the upload was confirmed, ISO 8601. */
  uploadedAt: string;
  /** Format, duration, size and streams; empty if the file can't be read as media. */
  metadata: Record<string, unknown>;
}

/** Files that are gone. */
export interface Deleted {
  /** Always true. */
  success: boolean;
  /** Their gs:// addresses. */
  files: string[];
  /** When the files were deleted, ISO 8601. */
  files_deleted_at: string;
}

/** What to look into. */
export interface ProbeRequest {
  /** The gs:// address of one of the caller's uploads. */
  url: string;
}

/** What a stored file contains. */
export interface Probed {
  /** The address that was asked for. */
  url: string;
  /** Format, duration, size and streams, as in `result.metadata` of a confirmed upload. */
  metadata: Record<string, unknown>;
}

/** An error of /v1/ffprobe. */
export interface ProbeError {
  /** A sentence to act on. */
  error: string;
  /** The same sentence. */
  message: string;
  /** A stable code, one of the table in the docs. */
  code: string;
  /** More about it, a sentence each. */
  details?: string[];
}

/** A job: what to read, what to make, how. */
export interface TranscodeRequest {
  /** Several without options are joined in order. */
  inputs: Input[];
  /** mp4, webm, mov, avi, mp3, m4a, aac, wav, ogg, opus, flac, jpeg, png, gif or webp. */
  outputFormat: string;
  /** Instead of options. */
  preset?: Preset | null;
  /** ffmpeg's flags of the output, and virtual options. */
  options?: Option[] | null;
  /** A filter graph, as `-filter_complex` takes it. */
  filters?: Filter[] | null;
  /** Kept with the job and given back, at most 8 KB as JSON. */
  metadata?: Record<string, unknown> | null;
  /** Seconds after the job's end until its files are deleted, at most 604800 (7 days). */
  expireAfter?: number | null;
}

/** A file to read: the gs:// address of an upload or output, or a public http(s) URL. */
export interface Input {
  /** A public http(s) URL, or the `gs://` address of one of your files. */
  url: string;
  /** ffmpeg's flags of this input, such as -ss. */
  options?: Option[] | null;
}

/** A flag of ffmpeg and its argument; a flag without one has none, null or "". */
export interface Option {
  /** A flag such as -crf, or a virtual option such as @trim. */
  option: string;
  /** The value: text or number for a flag, an object for a virtual option; left out for a flag without a value. */
  argument?: string | number | boolean | Record<string, unknown> | null;
}

/** What to make when no options say it: high, medium, low are CRF 18, 23, 28 of H.264. */
export interface Preset {
  /** The target quality. */
  quality?: "high" | "low" | "medium" | null;
  /** Fitted by the short side, never enlarged. */
  resolution?: "1080p" | "480p" | "4k" | "720p" | null;
}

/** A filter graph; several are joined with `;` and handed over as -filter_complex. */
export interface Filter {
  /** The filter graph's text. */
  filter: string;
}

/** What a job of this request would do. */
export interface Validation {
  /** Always true: a request that is not valid gets a 400. */
  valid: boolean;
  /** The output's format, as requested. */
  output_format: string;
  /** Where the options come from; this and the arguments of ffmpeg are null when an input can't be looked into before the job runs. */
  source: "defaults" | "preset" | "raw_options" | "virtual_options" | null;
  /** The inputs, in order. */
  inputs: ValidatedInput[];
  /** What would become of picture and sound. */
  streams: Decision[];
  /** ffmpeg's argument list; {input0}, … and {output} stand for paths. */
  arguments: string[] | null;
  /** The same as a line for a shell. */
  command: string | null;
  /** The output's length in seconds; null if unknown. */
  output_seconds: number | null;
  /** Which queue the job would join. */
  lane: "heavy" | "long" | "short";
  /** What it will cost by what the inputs' headers state; null until a length is known. The charge is measured when the job ends. */
  minutes: number | null;
  /** Of this month. */
  minutes_left: number;
  /** What is chosen for the caller. */
  notes: string[];
  /** What works but is probably not intended. */
  warnings: string[];
}

/** An input and what it holds, as ffprobe's answer has it; null while that is not known. */
export interface ValidatedInput {
  /** The input's address. */
  url: string;
  /** Format, duration, size and streams; null if unknown. */
  metadata: Record<string, unknown> | null;
}

/** How the video or audio was produced, and why. */
export interface Decision {
  /** The kind of stream. */
  kind: "audio" | "video";
  /** Whether the stream is copied or encoded. */
  action: "copy" | "encode";
  /** The reason. */
  why: string;
}

/** A job request that breaks rules. */
export interface Refused {
  /** A sentence to act on. A 401 says `unauthorized`. */
  error: string;
  /** The same sentence; of a 401, what to do. */
  message: string;
  /** A stable code, one of the table in the docs. */
  code: string;
  /** More about it. */
  details?: string | null;
  /** All faults, one by one; absent when the body has another shape. */
  refusals?: Refusal[];
}

/** One fault of a job request. */
export interface Refusal {
  /** The field, flag or filter. */
  flag: string;
  /** The rule that it breaks. */
  rule: string;
  /** What to do instead. */
  alternative: string | null;
}

/** The answer to a create. */
export interface Accepted {
  /** The job's id. */
  id: string;
  /** Always `pending`. */
  status: "pending";
  /** The first input's address. */
  inputUrl: string;
  /** The output's format, as requested. */
  outputFormat: string;
  /** `user` holds the metadata that was sent; absent if none was. */
  metadata?: Record<string, unknown>;
}

/** The quota wall. */
export interface QuotaError {
  /** A sentence to act on. A 401 says `unauthorized`. */
  error: string;
  /** The same sentence; of a 401, what to do. */
  message: string;
  /** A stable code, one of the table in the docs. */
  code: string;
  /** More about it. */
  details?: string | null;
  /** The failed job that records the attempt. */
  job_id: string;
  /** The page where the plan can be upgraded for this job. */
  upgrade_url: string;
}

/** A page of jobs; the total of a filtered list is counted to 2,000. */
export interface TranscodeList {
  /** The jobs of this page. */
  items: Transcode[];
  /** The page's number, from 1. */
  page: number;
  /** Jobs a page. */
  limit: number;
  /** Jobs that match, on all pages. */
  total: number;
  /** The `cursor` of the next page; null when this is the last. */
  next_cursor?: string | null;
  /** Where this page ends. With the order updated_at.asc, the `cursor` to ask with later for what changed since. */
  end_cursor?: string | null;
}

/** A job as it is read. */
export interface Transcode {
  /** The job's id. */
  id: string;
  /** The kind of job. */
  job_type: "transcode" | "transcribe";
  /** `pending`, then `processing`, then one of the others. */
  status: "canceled" | "completed" | "failed" | "pending" | "processing";
  /** The output's format, as requested. */
  output_format: string;
  /** The inputs, in order. */
  inputs: JobInput[];
  /** The outputs; empty until the job completes. */
  outputs: JobOutput[];
  /** `outputs[0].url`; null until it is completed. */
  output_url: string | null;
  /** When the job was created, ISO 8601. */
  created_at: string;
  /** When the job last changed, ISO 8601. */
  updated_at: string;
  /** When a worker first started the job; null until then. */
  started_at: string | null;
  /** When the job completed; null unless it did. */
  completed_at: string | null;
  /** Its place among the waiting when it was accepted. */
  queue_position: number | null;
  /** Which queue the job is in. */
  lane: "heavy" | "long" | "short" | null;
  /** Percent of the encoding that is done; null until it starts. */
  progress: number | null;
  /** Estimated seconds left to encode, at the pace so far; null until it can be estimated. */
  seconds_left: number | null;
  /** Held while it runs; once completed, what was measured and charged: the larger of the media time read and made. 0 when it failed or was canceled. */
  billable_minutes: number;
  /** Of the inputs, summed up. */
  duration_seconds: number;
  /** How long the job ran; null until it completes. */
  processing_time_seconds: number | null;
  /** Why it failed, as a sentence. */
  error_message: string | null;
  /** Means something only when it failed. */
  error_category: "file_size" | "processing" | "processing_limit" | "quota" | "storage" | "transient" | "unknown" | "upload" | "validation";
  /** `user` holds what the request had as `metadata`. */
  metadata: Record<string, unknown>;
  /** The options handed to ffmpeg; null until the job runs. */
  ffmpeg_options: FfmpegOptions | null;
  /** Hashes, the argument list and figures of a completed job; null in lists. */
  receipt: Receipt | null;
  /** The request as it was made; null in lists. */
  request: Record<string, unknown> | null;
  /** The account's id. */
  user_id: string;
  /** When the outputs are deleted. */
  files_expire_at?: string | null;
  /** When the job's files were deleted; null while they exist. */
  files_deleted_at?: string | null;
}

/** One input of a job. */
export interface JobInput {
  /** As it was asked for: a public URL, or the gs:// address of an upload or output. */
  url: string;
  /** The name its owner gave the upload, or the last segment of the URL, decoded. */
  filename: string;
  /** Seconds; 0 for a still image, and until it is known. */
  duration: number;
  /** The container format; `unknown` until it is known. */
  format: string;
  /** Bytes as a decimal string; "0" until they are known. */
  size_bytes: string;
  /** Options of this input. */
  options?: Record<string, unknown>[];
  /** Leads to a stored input for ten minutes; never stored. */
  downloadUrl?: string;
}

/** One output of a completed job. */
export interface JobOutput {
  /** The gs:// address, which another job may read; a download link has a route of its own. */
  url: string;
  /** The name of the download: that of the first input, with the output's extension. */
  filename: string;
  /** The size in bytes. */
  size_bytes: number;
  /** The container format. */
  format: string;
}

/** The normalized options handed to ffmpeg, for audit. */
export interface FfmpegOptions {
  /** Where the options came from. */
  source: "defaults" | "preset" | "raw_options" | "virtual_options";
  /** The options, in order. */
  options: Record<string, unknown>[];
  /** The preset that was requested; null if none was. */
  preset: Record<string, unknown> | null;
}

/** What a completed job did. */
export interface Receipt {
  /** The inputs, in order. */
  inputs: ReceiptFile[];
  /** The output. */
  output: ReceiptOutput;
  /** ffmpeg's argument list; {input0}, … and {output} stand for paths. */
  arguments: string[];
  /** Version and build. */
  ffmpeg: string;
  /** Of ffmpeg alone. */
  wall_seconds: number;
  /** CPU time that ffmpeg used, in seconds. */
  cpu_seconds: number;
  /** Fetched for the job. */
  bytes_in: number;
  /** Bytes stored. */
  bytes_out: number;
  /** How each stream was produced, and why. */
  streams: Decision[];
  /** What was chosen for the caller. */
  notes: string[];
  /** What held ffmpeg while it ran. */
  cage: string[];
}

/** A file's size and SHA-256; the digest is null when only ranges of the file were read. */
export interface ReceiptFile {
  /** The size in bytes. */
  size_bytes: number;
  /** The SHA-256 checksum, in hex; null if the file was not read to its end. */
  sha256: string | null;
  /** Bytes that came over the wire. */
  fetched_bytes: number;
}

/** The output's size and SHA-256. */
export interface ReceiptOutput {
  /** The size in bytes. */
  size_bytes: number;
  /** The SHA-256 checksum, in hex. */
  sha256: string;
}

/** The answer to a cancel. */
export interface Canceled {
  /** Always true. */
  success: boolean;
  /** A sentence that confirms it. */
  message: string;
  /** The job as it is now. */
  job: Transcode;
}

/** A signed link to an output. */
export interface Download {
  /** A signed link to the file. */
  url: string;
}

/** What is wrong with a job. */
export interface NewReport {
  /** What is wrong with the job. */
  message: string;
}

/** A report; while it is open, the job's files may be looked at to help. */
export interface Report {
  /** The report's id. */
  id: string;
  /** The reported job. */
  job_id: string;
  /** What was wrong with the job. */
  message: string;
  /** Whether it is still open. */
  state: "closed" | "open";
  /** When it was sent, ISO 8601. */
  created_at: string;
  /** When it was closed; null while it is open. */
  closed_at: string | null;
}

/** An account's keys, those revoked left out, newest first. */
export interface Keys {
  /** The keys. */
  items: Key[];
}

/** A key as its owner sees it. */
export interface Key {
  /** The key's id. */
  id: string;
  /** Your name for the key. */
  label: string;
  /** What the key may do. */
  scopes: ("jobs" | "read")[];
  /** Its first letters, to tell it from others. */
  starts_with: string;
  /** When it was created, ISO 8601. */
  created_at: string;
  /** To the minute. */
  last_used_at: string | null;
  /** When it expires; null for never. */
  expires_at: string | null;
}

/** What to make: `jobs` makes and reads, `read` only reads. */
export interface NewKey {
  /** Your name for the key. */
  label?: string;
  /** When it expires, ISO 8601; never if left out. */
  expires_at?: string | null;
  /** What the key may do. */
  scopes?: ("jobs" | "read")[];
}

/** A key that was just made; this is the only time it is shown. */
export interface Created {
  /** The key's id. */
  id: string;
  /** Your name for the key. */
  label: string;
  /** What the key may do. */
  scopes: ("jobs" | "read")[];
  /** Its first letters, to tell it from others. */
  starts_with: string;
  /** When it was created, ISO 8601. */
  created_at: string;
  /** To the minute. */
  last_used_at: string | null;
  /** When it expires; null for never. */
  expires_at: string | null;
  /** The key itself. It is shown only this once. */
  key: string;
}

/** A key's new label. */
export interface Rename {
  /** The new label. */
  label: string;
}

/** The plans, cheapest first. */
export interface Plans {
  /** The plans, cheapest first. */
  items: PlanOffered[];
  /** Whether this service has billing at all. */
  can_be_bought: boolean;
}

/** A plan, its price a month and its limits. */
export interface PlanOffered {
  /** The plan's id. */
  id: string;
  /** The plan's name. */
  name: string;
  /** Price of a month, in cents; 0 for free plans. */
  price_cents: number;
  /** Minutes of media included each month. */
  minutes_per_month: number;
  /** The largest input file, in bytes. */
  max_input_bytes: number;
  /** The largest output file, in bytes. */
  max_output_bytes: number;
  /** The longest time that a job may run, in seconds. */
  max_job_seconds: number;
  /** How many jobs run at the same time. */
  jobs_at_once: number;
  /** Requests of the account a minute. */
  requests_per_minute: number;
  /** The price's currency, an ISO 4217 code. */
  currency: string;
}

/** What an account pays for. */
export interface Billing {
  /** The plan's id. */
  plan: string;
  /** Stripe's, such as active or past_due; null without a subscription. */
  status: string | null;
  /** When the paid period ends; null on free plans. */
  period_end: string | null;
  /** What begins with the next period; null when the plan goes on. */
  next_plan: string | null;
  /** Until when the plan holds although a payment failed. */
  grace_until: string | null;
}

/** Which plan; `job` is the id of a job that was refused, for the page to come back to. */
export interface Buy {
  /** The plan's id. */
  plan: string;
  /** The job that was blocked by the quota, if that is why. */
  job?: string | null;
}

/** What to do next: follow `url` to pay, or nothing more. */
export interface Bought {
  /** scheduled: the smaller plan begins with the next period. */
  outcome: "changed" | "checkout" | "kept" | "scheduled";
  /** The checkout page to open; null if there is nothing to pay there. */
  url: string | null;
  /** What you pay for now. */
  billing: Billing;
}

/** Stripe's own pages for payment methods, invoices and cancellation. */
export interface Portal {
  /** A link to Stripe's page for cards, invoices and cancellation. */
  url: string;
}

/** The newest invoices, newest first. */
export interface Invoices {
  /** The invoices, newest first. */
  items: Invoice[];
}

/** An invoice; the links are Stripe's, and null while Stripe does not answer. */
export interface Invoice {
  /** The invoice's id. */
  id: string;
  /** The invoice's number; null while it is a draft. */
  number: string | null;
  /** Stripe's status of the invoice. */
  status: string;
  /** An ISO 4217 code. */
  currency: string;
  /** The amount, in cents. */
  amount_cents: number;
  /** What was paid, in cents. */
  paid_cents: number;
  /** What was refunded, in cents. */
  refunded_cents: number;
  /** When the invoice's period starts, ISO 8601. */
  period_start: string;
  /** When the invoice's period ends, ISO 8601. */
  period_end: string;
  /** When it was created, ISO 8601. */
  created_at: string;
  /** Stripe's page of the invoice; null if there is none. */
  url: string | null;
  /** The invoice as PDF; null if there is none. */
  pdf: string | null;
}

/** That an event arrived. */
export interface EventReceived {
  /** Always true. */
  received: boolean;
  /** Whether it had been processed before. */
  before: boolean;
}

/** An archive: asked for, ready, or deleted after its day; `none` when none was asked for. */
export interface Export {
  /** The export's id; null if there is none. */
  id: string | null;
  /** A failed one can be requested again. */
  status: "deleted" | "failed" | "none" | "pending" | "ready";
  /** When it was requested; null if there is none. */
  created_at: string | null;
  /** When its archive is deleted; null until it is ready. */
  expires_at: string | null;
  /** Good until `expires_at`, and for whoever has it. */
  url: string | null;
}

/** An account's reports, newest first. */
export interface Reports {
  /** The reports, newest first. */
  items: Report[];
}

/** All of them, newest first. */
export interface Accesses {
  /** The accesses, newest first. */
  items: Access[];
}

/** One access of the operator's staff to files of the account. */
export interface Access {
  /** When the files were accessed, ISO 8601. */
  at: string;
  /** Who accessed them. */
  who: string;
  /** The job whose files they are. */
  job_id: string;
  /** Why they were accessed. */
  reason: string;
  /** What the law required it for; null when you had reported the job. */
  legal_reference: string | null;
  /** When the links ended, at the latest. */
  until: string;
  /** Their gs:// addresses. */
  files: string[];
}

/** All versions, newest first. */
export interface Policies {
  /** The version that counts now. */
  current: string | null;
  /** The versions, newest first. */
  items: Policy[];
}

/** A version of the policies. */
export interface Policy {
  /** The version. */
  version: string;
  /** When it was published, ISO 8601. */
  published_at: string;
  /** What is new in it. */
  summary: string;
}

/** A version that the caller accepted, and when first. */
export interface Acceptance {
  /** The version. */
  version: string;
  /** When you accepted it, ISO 8601. */
  accepted_at: string;
}

/** What somebody writes. */
export interface Letter {
  /** What you want to tell us. */
  message: string;
  /** Where to answer to; needed without a credential, and not taken with one. */
  email?: string | null;
  /** What it is about. */
  subject?: string | null;
  /** The job it is about, if any. */
  job_id?: string | null;
}

/** A message that was stored. */
export interface Received {
  /** The message's id. */
  id: string;
  /** When we received it, ISO 8601. */
  received_at: string;
}

/** An account. */
export interface Account {
  /** The account's id. */
  id: string;
  /** The email address; null for trial accounts. */
  email: string | null;
  /** The name; null if none was given. */
  name: string | null;
  /** When the account was created, ISO 8601. */
  created_at: string;
  /** When you confirmed to be 13 or older; null if you did not. */
  over_13_confirmed_at: string | null;
  /** The plan and its limits. */
  plan: PlanShown;
  /** How long files are kept. */
  retention: RetentionHours;
  /** The policies that you accepted. */
  policies: AcceptedPolicy[];
}

/** A plan, its price a month and its limits. */
export interface PlanShown {
  /** The plan's id. */
  id: string;
  /** The plan's name. */
  name: string;
  /** Price of a month, in cents; 0 for free plans. */
  price_cents: number;
  /** Minutes of media included each month. */
  minutes_per_month: number;
  /** The largest input file, in bytes. */
  max_input_bytes: number;
  /** The largest output file, in bytes. */
  max_output_bytes: number;
  /** The longest time that a job may run, in seconds. */
  max_job_seconds: number;
  /** How many jobs run at the same time. */
  jobs_at_once: number;
  /** Requests of the account a minute. */
  requests_per_minute: number;
}

/** Hours that an account's files are kept. */
export interface RetentionHours {
  /** Hours that uploads are kept. */
  inputs: number;
  /** Hours that outputs are kept. */
  outputs: number;
}

/** A policy that was accepted. */
export interface AcceptedPolicy {
  /** The policy's version. */
  version: string;
  /** When you accepted it, ISO 8601. */
  accepted_at: string;
}

/** What to change. */
export interface Change {
  /** The new name. */
  name?: string;
  /** The new address; it counts once the links in both mails were followed. */
  email?: string;
  /** How long files are kept. */
  retention?: Retention;
}

/** Hours that files are kept; null is as long as the service keeps them.

0 deletes them when the job that reads or makes them ends. */
export interface Retention {
  /** Hours that uploads are kept; null for the service's own time. */
  inputs?: number | null;
  /** Hours that outputs are kept; null for the service's own time. */
  outputs?: number | null;
}

/** The account after a change. */
export interface Changed {
  /** The account as it is now. */
  account: Account;
  /** The new address, until the links that were mailed are followed. */
  email_pending: string | null;
}

/** A month (UTC) of an account. */
export interface Usage {
  /** YYYY-MM. */
  period: string;
  /** Of the plan, and granted on top. */
  minutes_limit: number;
  /** Minutes charged this month. */
  minutes_used: number;
  /** Held for jobs under way. */
  minutes_reserved: number;
  /** Minutes left this month. */
  minutes_left: number;
  /** When the next month begins, ISO 8601. */
  resets_at: string;
  /** Usage by day. */
  days: Day[];
  /** Usage by kind of job. */
  kinds: Kind[];
  /** Of the plan as it is now. */
  limits: Record<string, number>;
}

/** A day (UTC) on which jobs were charged. */
export interface Day {
  /** The day, as 2026-11-23. */
  date: string;
  /** Minutes charged. */
  minutes: number;
  /** Jobs that were charged. */
  jobs: number;
}

/** What one kind of job came to. */
export interface Kind {
  /** The kind of job. */
  job_type: string;
  /** Minutes charged. */
  minutes: number;
  /** Jobs that were charged. */
  jobs: number;
}

/** A page of the ledger, newest first. */
export interface Entries {
  /** The entries of this page. */
  items: Entry[];
  /** The page's number, from 1. */
  page: number;
  /** Entries a page. */
  limit: number;
  /** Entries of the period. */
  total: number;
}

/** A row of the ledger. */
export interface Entry {
  /** When it happened, ISO 8601. */
  at: string;
  /** reserve holds a job's minutes; settle charges it and release gives what was held back; refund gives back what was charged; grant adds to the month. */
  kind: "grant" | "refund" | "release" | "reserve" | "settle";
  /** How many minutes. */
  minutes: number;
  /** The job it belongs to; null for grants. */
  job_id: string | null;
  /** The month (UTC) it counts for, YYYY-MM. */
  period: string;
}

/** The password, unless one has just signed in. */
export interface Erasure {
  /** Your password; not needed within ten minutes of signing in. */
  password?: string | null;
}

/** What happens now. */
export interface Erasing {
  /** Always `deleting`. */
  status: "deleting";
  /** A sentence that says what happens next. */
  message: string;
}

/** It was done. */
export interface Success {
  /** Always true. */
  success: boolean;
}

/** A body that asks for nothing in particular. */
export interface Nothing {
}

/** What a visitor may work with. */
export interface Guest {
  /** For the routes of jobs and uploads, until `expires_at`. */
  key: string;
  /** When the key and all its files are deleted, ISO 8601. */
  expires_at: string;
  /** Of one file. */
  max_bytes: number;
  /** Of input, in all. */
  minutes: number;
}

/** Whether the service works, and what does not. */
export interface Health {
  /** Whether everything works. */
  ok: boolean;
  /** When this was checked, ISO 8601. */
  timestamp: string;
  /** Seconds since this instance started. */
  uptime: number;
  /** The database and Storage. */
  supabase: Supabase;
  /** The login. */
  login: Login;
  /** Null until a worker has run a job. */
  media: Media | null;
  /** With CRON_SECRET as the bearer. */
  operator?: Operator;
}

/** How Supabase answers; `error` only when it does not. */
export interface Supabase {
  /** Whether it answers. */
  ok: boolean;
  /** The HTTP status of its answer. */
  status?: number;
  /** The status in words. */
  statusText?: string;
  /** Whether the database can be reached. */
  connected?: boolean;
  /** What is wrong; absent if nothing is. */
  error?: string;
}

/** Whether people's tokens can be verified; `error` says why not, and what to do. */
export interface Login {
  /** Whether tokens can be checked. */
  ok: boolean;
  /** What is wrong; absent if nothing is. */
  error?: string;
}

/** What the worker that began last runs jobs with. */
export interface Media {
  /** The version of ffmpeg. */
  ffmpeg: string;
  /** What holds ffmpeg: limits, dies-with-worker, landlock-files, landlock-tcp. */
  cage: string[];
  /** When a worker last reported it, ISO 8601. */
  seen_at: string;
}

/** What only the operator sees. */
export interface Operator {
  /** How long the oldest expired file has been there too long; null when none is. */
  file_overdue_seconds: number | null;
  /** Worker processes and function instances with a heartbeat in the last minute. */
  workers: number;
  /** Jobs that the running workers can take at once. */
  worker_slots: number;
  /** Jobs that run now. */
  worker_busy_slots: number;
  /** Age of the newest heartbeat; null when there was none in the last hour. */
  last_heartbeat_seconds: number | null;
  /** Of the disks that live workers write to. */
  least_free_disk_bytes: number | null;
  /** Settings that will stop working, with what to do. */
  warnings: string[];
}

/** What the status page tells everybody. */
export interface Status {
  /** Whether jobs are being worked on. */
  ok: boolean;
  /** When this was read, ISO 8601. */
  timestamp: string;
  /** Null when the database does not answer; so are the others. */
  queue: Queue | null;
  /** When expired files were last looked for. */
  last_sweep_at: string | null;
  /** The ffmpeg that workers run; null if no worker has reported. */
  media: Media | null;
}

/** Jobs that are not at their end. */
export interface Queue {
  /** Up to 100,000. */
  waiting: number;
  /** 0 when none waits. */
  oldest_waiting_seconds: number;
  /** Jobs that run now. */
  running: number;
}

/** Addresses and limits; nothing here is secret. */
export interface Site {
  /** Where people sign in. */
  supabase_url: string;
  /** What browsers show to the login; it opens nothing by itself. */
  publishable_key: string;
  /** Whether plans can be bought. */
  can_buy: boolean;
  /** The largest upload, in bytes. */
  max_upload_bytes: number;
  /** How long uploads are kept at most; outputs likewise. */
  input_hours: number;
  /** How long outputs are kept at most, in hours. */
  output_hours: number;
}
