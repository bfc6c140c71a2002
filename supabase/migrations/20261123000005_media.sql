-- What the media engine needs: limits by plan, receipts, and what workers report of themselves.
alter table app.plans
  -- Wall clock of one job, and bytes of its output.
  add column max_job_seconds integer not null default 600 check (max_job_seconds > 0),
  add column max_output_bytes bigint not null default 536870912 check (max_output_bytes > 0);
update app.plans set max_job_seconds = 1800, max_output_bytes = 2147483648 where id = 'starter';
update app.plans set max_job_seconds = 3600, max_output_bytes = 4294967296 where id = 'pro';

-- Written once, when the job completes: enough to check the result, and to make it again elsewhere.
alter table app.jobs add column receipt jsonb;

-- A row for each kind of machine that ran jobs: its ffmpeg, and what its kernel held ffmpeg with.
create table app.worker_reports (
  ffmpeg text not null,
  cage text[] not null,
  seen_at timestamptz not null default now(),
  primary key (ffmpeg, cage)
);
alter table app.worker_reports enable row level security;

-- Subtitles may be uploaded too.
update storage.buckets
   set allowed_mime_types = allowed_mime_types || array[
     'application/x-subrip', 'text/srt', 'text/vtt', 'text/x-ssa', 'text/x-ass']
 where id = 'uploads';
