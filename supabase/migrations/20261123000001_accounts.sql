-- Accounts, plans, keys and usage. Everything lives in the private schema `app`: it is not exposed
-- by the auto-generated API, row level security is on, and nothing is granted to anon/authenticated.
create schema if not exists app;
revoke all on schema app from public, anon, authenticated;
alter default privileges in schema app revoke all on tables from public, anon, authenticated;

create table app.plans (
  id text primary key,
  name text not null,
  price_cents integer not null check (price_cents >= 0),
  minutes_per_month integer not null check (minutes_per_month >= 0),
  max_input_bytes bigint not null check (max_input_bytes > 0),
  jobs_at_once integer not null check (jobs_at_once > 0),
  requests_per_minute integer not null check (requests_per_minute > 0)
);

insert into app.plans values
  ('free', 'Free', 0, 100, 104857600, 2, 60),
  ('starter', 'Starter', 2900, 500, 1073741824, 5, 300),
  ('pro', 'Pro', 9900, 2500, 2040109465, 20, 1200);

-- An account is a person of Supabase Auth; the id is the same.
create table app.accounts (
  id uuid primary key,
  email text,
  name text,
  plan_id text not null default 'free' references app.plans (id),
  -- The account's place in the fair order of the queue (see app.jobs.turn).
  last_turn bigint not null default 0,
  created_at timestamptz not null default now()
);

create table app.api_keys (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- SHA-256 of the key; the key itself is shown once and never stored.
  hash bytea not null unique check (length(hash) = 32),
  label text not null default '',
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_account on app.api_keys (account_id);

-- Minutes of a calendar month (UTC). used + reserved never passes the plan's limit.
create table app.usage (
  account_id uuid not null references app.accounts (id) on delete cascade,
  period date not null,
  reserved_minutes numeric(14, 4) not null default 0 check (reserved_minutes >= 0),
  used_minutes numeric(14, 4) not null default 0 check (used_minutes >= 0),
  primary key (account_id, period)
);

-- Fixed one-minute windows of calls; only routes with a limit of their own write here.
create table app.rate_windows (
  subject text not null,
  started_at timestamptz not null,
  hits integer not null,
  primary key (subject, started_at)
);
create index rate_windows_started on app.rate_windows (started_at);

-- Every API call: time, account, route, status, milliseconds, address.
create table app.request_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  request_id text not null,
  account_id uuid,
  key_id uuid,
  method text not null,
  route text not null,
  status smallint not null,
  milliseconds real not null,
  ip inet
);
create index request_log_at on app.request_log (at);
create index request_log_account on app.request_log (account_id, at) where account_id is not null;

-- A person who signs up has an account at once, in the same transaction.
create function app.open_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into app.accounts (id, email, name)
  values (new.id, new.email, new.raw_user_meta_data ->> 'name')
  on conflict (id) do nothing;
  return new;
end
$$;
revoke all on function app.open_account() from public;

create trigger open_account after insert on auth.users
  for each row execute function app.open_account();

alter table app.plans enable row level security;
alter table app.accounts enable row level security;
alter table app.api_keys enable row level security;
alter table app.usage enable row level security;
alter table app.rate_windows enable row level security;
alter table app.request_log enable row level security;
