-- What is done behind the answer: mails, exports, erasures, sweeps.
create table app.tasks (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  -- A key is taken once and for all: one warning a period, one erasure an account.
  key text unique,
  -- Without a foreign key: an erasure outlives its account.
  account_id uuid,
  -- Emptied of everything personal when the task has ended.
  payload jsonb not null default '{}',
  created_at timestamptz not null default now(),
  -- While somebody works on it, the end of the lease.
  due_at timestamptz not null default now(),
  -- Guards what a holder writes, as a job's attempt does.
  attempt integer not null default 0,
  failures integer not null default 0,
  ended_at timestamptz,
  -- Of the last try that failed; of a task that has ended: why it was given up.
  error text
);
create index tasks_due on app.tasks (due_at) where ended_at is null;
create index tasks_account on app.tasks (account_id) where account_id is not null;
alter table app.tasks enable row level security;
