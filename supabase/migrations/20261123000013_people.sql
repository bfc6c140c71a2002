-- What people write to the operator, and what the operator opened of theirs.

create table app.support_messages (
  id uuid primary key,
  at timestamptz not null default now(),
  account_id uuid references app.accounts (id) on delete cascade,
  -- Where to answer to; of messages without an account the only thing that tells whose they are.
  email text not null,
  subject text,
  message text not null,
  -- As the writer said; without a foreign key, since anybody may write.
  job_id uuid
);
create index support_messages_at on app.support_messages (at);
create index support_messages_email on app.support_messages (lower(email), at);
create index support_messages_account on app.support_messages (account_id, at)
  where account_id is not null;

-- A job that its owner reports: while the report is open, its files may be looked at.
create table app.reports (
  id uuid primary key,
  at timestamptz not null default now(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_id uuid not null references app.jobs (id) on delete cascade,
  message text not null,
  closed_at timestamptz
);
create index reports_account on app.reports (account_id, at desc);
create index reports_job on app.reports (job_id);
create index reports_open on app.reports (at) where closed_at is null;
create index reports_at on app.reports (at);

-- Each time that somebody of the operator's opened a job's files, written before it was possible.
create table app.staff_accesses (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_id uuid not null,
  reason text not null check (reason <> ''),
  -- Of what the law requires; without one, the owner had reported the job.
  legal_reference text check (legal_reference <> ''),
  until timestamptz not null check (until <= at + interval '24 hours'),
  -- The gs:// addresses.
  files text[] not null check (cardinality(files) > 0)
);
create index staff_accesses_account on app.staff_accesses (account_id, at desc);

alter table app.support_messages enable row level security;
alter table app.reports enable row level security;
alter table app.staff_accesses enable row level security;
