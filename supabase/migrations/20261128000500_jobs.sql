-- Jobs, and the events of their lives. lib/jobs/transitions/ is the only writer of a job's status,
-- and of its events.
create table app.jobs (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_type text not null default 'transcode' check (job_type in ('transcode', 'transcribe')),
  status text not null
    check (status in ('pending', 'processing', 'completed', 'failed', 'canceled')),
  request jsonb not null,
  output_format text not null,
  inputs jsonb not null,
  ffmpeg_options jsonb,
  metadata jsonb not null default '{}',
  -- Written once, when the job completes: enough to check the result, and to repeat the job
  -- elsewhere.
  receipt jsonb,

  -- The queue.
  lane text check (lane in ('short', 'long', 'heavy')),
  queue_position integer,
  -- Fair order: the queue's virtual time at which this job may start. Each further job of an
  -- account has a turn one later, whatever the others do.
  turn bigint not null default 0,
  -- How many attempts at the job were begun.
  attempt integer not null default 0,
  -- Percent.
  progress real,

  -- Minutes of `period`, the month that the job is charged to.
  period date not null,
  reserved_minutes numeric(12, 4) not null default 0,
  billable_minutes numeric(12, 4),
  duration_seconds double precision,
  processing_seconds double precision,
  error_message text,
  error_category text not null default 'unknown' check (error_category in (
    'processing_limit', 'file_size', 'quota', 'upload', 'storage', 'validation', 'processing',
    'transient', 'unknown')),

  -- Milliseconds, as shown: a client that asks `since` the time it was shown misses nothing.
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  completed_at timestamptz(3),
  -- When its owner deleted its files. Of a job without outputs, those were inputs.
  deleted_by_owner_at timestamptz
);
alter table app.files add foreign key (job_id) references app.jobs (id) on delete cascade;
create index jobs_by_creation on app.jobs (account_id, created_at desc, id desc);
create index jobs_by_update on app.jobs (account_id, updated_at desc, id desc);
create index jobs_by_status on app.jobs (account_id, status, updated_at desc, id desc);
create index jobs_pending on app.jobs (turn, created_at, id) where status = 'pending';
create index jobs_processing on app.jobs (account_id) where status = 'processing';
create index jobs_failed on app.jobs (account_id, updated_at)
  where status = 'failed'
    and error_category in ('validation', 'processing_limit', 'file_size', 'upload', 'processing');
-- The signals of abuse and `stuck` read these few rows instead of all jobs.
create index jobs_failed_by_time on app.jobs (updated_at) where status = 'failed';
create index jobs_retried on app.jobs (updated_at) where attempt > 1;
alter table app.jobs enable row level security;
create trigger leave_out_closed before insert on app.jobs
  for each row execute function app.leave_out_closed();

-- Changes and events, in order ---------------------------------------------------------------------

-- Sets `updated_at` again as the last step of a transaction, so that a client that asks for the jobs
-- that changed since the last change it saw misses none.
--
-- now() is when a transaction begins: one that commits late would show a change that is older than
-- others already seen. So transactions of one account do this in turn: what becomes visible later
-- has a later `updated_at`. Changes of one transaction become visible together and share theirs.
-- It applies where a statement sets `updated_at` to now(). The lock is taken when the transaction
-- waits for nothing else, so it can't be part of a deadlock with the locks of rows.
create function app.stamp_change() returns trigger
language plpgsql set search_path = '' as $$
declare
  v_known text := current_setting('app.job_change', true);
  v_stamp timestamptz(3);
begin
  if split_part(v_known, ' ', 1) = new.account_id::text then
    v_stamp := to_timestamp(split_part(v_known, ' ', 2)::bigint / 1000.0);
  else
    perform pg_advisory_xact_lock(hashtextextended('app.job_change:' || new.account_id, 0));
    select greatest(date_trunc('milliseconds', clock_timestamp()),
                    max(j.updated_at) + interval '1 millisecond')
      into v_stamp from app.jobs j where j.account_id = new.account_id;
    perform set_config('app.job_change', format('%s %s', new.account_id,
              round(extract(epoch from v_stamp) * 1000)::bigint), true);
  end if;
  update app.jobs set updated_at = v_stamp where id = new.id and updated_at <> v_stamp;
  return null;
end
$$;
revoke all on function app.stamp_change from public;
create constraint trigger stamp_change after insert or update of updated_at on app.jobs
  deferrable initially deferred for each row
  when (new.updated_at = now()::timestamptz(3)) execute function app.stamp_change();

-- The transitions of jobs (lib/jobs/transitions/), each with its account, a cursor, and a snapshot
-- of its job as the transition left it. A reader of an account's events after the last cursor it saw
-- misses none: transactions of one account assign cursors in turn, as their last step, so an event
-- that becomes visible later has a greater cursor.
create sequence app.event_cursor;
create table app.job_events (
  id bigint generated always as identity primary key,
  job_id uuid not null references app.jobs (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  kind text not null check (kind in (
    'created', 'started', 'retried', 'completed', 'failed', 'canceled')),
  detail jsonb not null default '{}',
  at timestamptz not null default now(),
  -- Both are null only inside the transaction that adds the event.
  cursor bigint,
  payload jsonb
);
create index job_events_job on app.job_events (job_id, id);
create unique index job_events_cursor on app.job_events (account_id, cursor);
alter table app.job_events enable row level security;

create function app.name_account_of_event() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.account_id := (select j.account_id from app.jobs j where j.id = new.job_id);
  return new;
end
$$;
revoke all on function app.name_account_of_event from public;
create trigger name_account before insert on app.job_events
  for each row when (new.account_id is null) execute function app.name_account_of_event();

-- The job as its events show it: what a transition can change. The request, the inputs and the
-- metadata are only in the job itself: an input's address may hold a signature.
create function app.event_payload(j app.jobs) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', j.id, 'job_type', j.job_type, 'status', j.status, 'output_format', j.output_format,
    'outputs', o.outputs, 'lane', j.lane, 'attempt', j.attempt, 'progress', j.progress,
    'reserved_minutes', j.reserved_minutes, 'billable_minutes', j.billable_minutes,
    'duration_seconds', j.duration_seconds, 'processing_seconds', j.processing_seconds,
    'error_category', j.error_category, 'error_message', j.error_message,
    'created_at', j.created_at, 'updated_at', j.updated_at, 'started_at', j.started_at,
    'completed_at', j.completed_at, 'files_expire_at', o.outputs_expire_at)
    from app.outputs_of(j.id) o
$$;
revoke all on function app.event_payload from public;

-- Runs after app.stamp_change, with the same lock, so that the payload has the job's final
-- `updated_at`.
create function app.place_event() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('app.job_change:' || new.account_id, 0));
  update app.job_events e
     set cursor = nextval('app.event_cursor'), payload = app.event_payload(j)
    from app.jobs j where e.id = new.id and j.id = e.job_id;
  return null;
end
$$;
revoke all on function app.place_event from public;
create constraint trigger place_event after insert on app.job_events
  deferrable initially deferred for each row execute function app.place_event();
