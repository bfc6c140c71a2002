-- Uploads, jobs, their events, the ledger of minutes, and the queue.
-- Hosted Supabase has pgmq as an extension. Creating its schema first makes it ours, so that its
-- functions may create tables there; the schema may also be left from an extension that was switched
-- off. Where there is no such extension, one machine installs the same SQL before the migrations.
do $$
begin
  if exists (select from pg_available_extensions where name = 'pgmq') then
    create schema if not exists pgmq;
    create extension if not exists pgmq with schema pgmq;
  end if;
end
$$;
select pgmq.create('jobs');

-- A file a caller was given a link for. `confirmed_at` is null until the bytes were seen.
create table app.uploads (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Key inside the bucket: <account id>/<filename>
  object_name text not null unique,
  filename text not null,
  content_type text not null,
  declared_bytes bigint not null,
  size_bytes bigint,
  probe jsonb,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz
);
create index uploads_account on app.uploads (account_id, created_at);

create table app.jobs (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_type text not null default 'transcode' check (job_type in ('transcode', 'transcribe')),
  status text not null
    check (status in ('pending', 'processing', 'completed', 'failed', 'canceled')),
  request jsonb not null,
  output_format text not null,
  inputs jsonb not null,
  outputs jsonb,
  ffmpeg_options jsonb,
  metadata jsonb not null default '{}',
  lane text check (lane in ('short', 'long', 'heavy')),
  queue_position integer,
  -- Fair order: the queue's virtual time at which this job may start. Each further job of an
  -- account is one later, whatever the others do.
  turn bigint not null default 0,
  attempt integer not null default 0,
  -- The queue message that holds the lease, while a worker has the job.
  message_id bigint,
  progress real,
  period date not null,
  reserved_minutes numeric(12, 4) not null default 0,
  billable_minutes numeric(12, 4),
  duration_seconds double precision,
  processing_seconds double precision,
  error_message text,
  error_category text not null default 'unknown' check (error_category in (
    'processing_limit', 'file_size', 'quota', 'upload', 'storage', 'validation', 'processing',
    'transient', 'unknown')),
  -- Milliseconds, as shown: a client that asks `since` the moment it was shown misses nothing.
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  completed_at timestamptz(3)
);
create index jobs_by_creation on app.jobs (account_id, created_at desc, id desc);
create index jobs_by_update on app.jobs (account_id, updated_at desc, id desc);
create index jobs_by_status on app.jobs (account_id, status, updated_at desc, id desc);
create index jobs_pending on app.jobs (turn, created_at, id) where status = 'pending';
create index jobs_leased on app.jobs (message_id) where message_id is not null;

-- The virtual time of the queue: the turn of the last job started.
create table app.queue_clock (
  one boolean primary key default true check (one),
  turn bigint not null default 0
);
insert into app.queue_clock default values;

-- What happened to a job, in order: status, webhooks and receipts are read from here.
create table app.job_events (
  id bigint generated always as identity primary key,
  job_id uuid not null references app.jobs (id) on delete cascade,
  kind text not null check (kind in (
    'created', 'started', 'retried', 'completed', 'failed', 'canceled')),
  detail jsonb not null default '{}',
  at timestamptz not null default now()
);
create index job_events_job on app.job_events (job_id, id);

-- Append only. A job is ended at most once: settled (charged) or released (not).
create table app.usage_ledger (
  id bigint generated always as identity primary key,
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_id uuid not null,
  period date not null,
  kind text not null check (kind in ('reserve', 'settle', 'release')),
  minutes numeric(12, 4) not null check (minutes >= 0),
  at timestamptz not null default now()
);
create unique index usage_ledger_end on app.usage_ledger (job_id) where kind <> 'reserve';
create index usage_ledger_account on app.usage_ledger (account_id, period);

alter table app.uploads enable row level security;
alter table app.jobs enable row level security;
alter table app.queue_clock enable row level security;
alter table app.job_events enable row level security;
alter table app.usage_ledger enable row level security;
