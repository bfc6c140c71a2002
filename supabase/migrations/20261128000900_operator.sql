-- What the operator does. Each act is written in the same statement as the act itself. It holds ids
-- only; the reason is the operator's own sentence.
create table app.operator_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  -- The person at the keyboard, as their machine names them.
  who text not null,
  act text not null,
  -- Without foreign keys: the record outlives the account and the job.
  account_id uuid,
  job_id uuid,
  reason text,
  detail jsonb not null default '{}'
);
create index operator_log_account on app.operator_log (account_id, at)
  where account_id is not null;
-- A job is retried once; the retry itself may be retried.
create unique index operator_log_retry on app.operator_log (job_id) where act = 'retry';
alter table app.operator_log enable row level security;
