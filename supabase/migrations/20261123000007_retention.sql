-- How long files are kept, and the record of their deletion.
alter table app.accounts
  -- Seconds; null keeps files as long as the service does, and only less can be chosen. 0 for
  -- inputs deletes them when the job that reads them ends.
  add column inputs_kept_seconds integer check (inputs_kept_seconds >= 0),
  add column outputs_kept_seconds integer check (outputs_kept_seconds >= 0);

alter table app.uploads
  -- Not served from here on, whether the sweep has come or not.
  add column expires_at timestamptz not null default now() + interval '3 days',
  add column deleted_at timestamptz,
  add column sweep_at timestamptz not null default '-infinity',
  add column sweep_tries integer not null default 0;
create index uploads_due on app.uploads (expires_at) where deleted_at is null;

alter table app.jobs
  add column files_expire_at timestamptz,
  add column files_deleted_at timestamptz,
  add column sweep_at timestamptz not null default '-infinity',
  add column sweep_tries integer not null default 0;
update app.jobs set files_expire_at = completed_at + interval '7 days' where outputs is not null;
create index jobs_due on app.jobs (files_expire_at)
  where files_expire_at is not null and files_deleted_at is null;

-- Each file that was deleted: when, and why. Names hold ids alone, never what a person called it.
create table app.deletions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  account_id uuid,
  bucket text not null,
  object_name text not null,
  reason text not null check (reason in ('expired', 'asked', 'orphan', 'missing', 'account'))
);
create index deletions_account on app.deletions (account_id, at);

-- What remains of the record of calls after 90 days: counts.
create table app.request_days (
  day date not null,
  account_id uuid,
  route text not null,
  status smallint not null,
  calls bigint not null,
  milliseconds double precision not null,
  unique nulls not distinct (day, account_id, route, status)
);
create index request_log_ip on app.request_log (at) where ip is not null;

alter table app.deletions enable row level security;
alter table app.request_days enable row level security;
