-- Plans, accounts, keys, policies, visitors, and the limits on how often somebody calls.
--
-- All tables live in the private schema `app`: the auto-generated API does not expose it, row level
-- security is on, and nothing is granted to anon or authenticated. Functions are executable by
-- PUBLIC when they are created, so each is followed by a revoke.
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
  requests_per_minute integer not null check (requests_per_minute > 0),
  -- Wall clock of one job, and bytes of its output.
  max_job_seconds integer not null default 600 check (max_job_seconds > 0),
  max_output_bytes bigint not null default 536870912 check (max_output_bytes > 0),
  -- A plan that is not offered stays with the accounts that have it.
  offered boolean not null default false,
  -- Uploads of an account that are not deleted; null for any number. Deleted uploads of a visitor
  -- count too.
  max_uploads integer check (max_uploads > 0),
  -- Bytes of these uploads together; null for any number.
  max_upload_bytes bigint check (max_upload_bytes > 0),
  -- Jobs an hour that may fail for a reason the caller can remove; null for any number.
  max_failures_per_hour integer check (max_failures_per_hour > 0)
);
alter table app.plans enable row level security;

insert into app.plans (
  id, name, price_cents, minutes_per_month, max_input_bytes, jobs_at_once, requests_per_minute,
  max_job_seconds, max_output_bytes, offered, max_uploads, max_upload_bytes, max_failures_per_hour)
values
  ('try', 'Trial', 0, 3, 26214400, 1, 120, 60, 104857600, false, 5, 131072000, 10),
  ('free', 'Free', 0, 100, 104857600, 2, 60, 600, 536870912, true, 50, 1073741824, 30),
  ('starter', 'Starter', 2900, 500, 1073741824, 5, 300, 1800, 2147483648, true,
   500, 21474836480, null),
  ('pro', 'Pro', 9900, 2500, 2040109465, 20, 1200, 3600, 4294967296, true,
   2000, 107374182400, null);

-- An account is a person of Supabase Auth, with the same id, or a visitor without a login.
create table app.accounts (
  id uuid primary key,
  email text,
  name text,
  plan_id text not null default 'free' references app.plans (id),
  created_at timestamptz not null default now(),
  -- When the person confirmed to be 13 or older.
  over_13_at timestamptz,
  suspended_at timestamptz,
  -- Shown to the caller with each refusal.
  suspended_for text,
  -- When the account was deleted, or its login was. A closed account is refused with keys and
  -- tokens.
  closed_at timestamptz,
  -- When the person signed out everywhere: access tokens issued before are refused.
  sessions_ended_at timestamptz,
  -- End of a visitor's account, which is erased from then on.
  guest_until timestamptz,
  -- The account's place in the fair order of the queue (see app.jobs.turn).
  last_turn bigint not null default 0,
  -- How many jobs the account ever had: the total of an unfiltered list costs the same at a million.
  jobs_total bigint not null default 0,
  -- Retention in seconds; null keeps files as long as the service does, and only less can be chosen.
  -- 0 for inputs deletes them when the job that reads them ends.
  inputs_kept_seconds integer check (inputs_kept_seconds >= 0),
  outputs_kept_seconds integer check (outputs_kept_seconds >= 0)
);
create unique index accounts_email on app.accounts (lower(email));
create index accounts_created on app.accounts (created_at);
create index accounts_guests on app.accounts (guest_until)
  where guest_until is not null and closed_at is null;
alter table app.accounts enable row level security;

-- Leaves out a row of a closed account: a call that was let in just before the account was closed
-- stores nothing. A trigger of the tables that callers write to.
create function app.leave_out_closed() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from app.accounts where id = new.account_id and closed_at is not null) then
    return null;
  end if;
  return new;
end
$$;
revoke all on function app.leave_out_closed() from public;

create table app.api_keys (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- SHA-256 of the key; the key itself is shown once and never stored.
  hash bytea not null unique check (length(hash) = 32),
  -- The first characters of the key, so that its owner recognizes it.
  starts_with text not null default '',
  label text not null default '',
  -- `jobs` creates and reads, `read` only reads. Only a signed-in person manages keys.
  scopes text[] not null default '{jobs,read}'
    check (scopes <@ '{jobs,read}' and cardinality(scopes) > 0),
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_account on app.api_keys (account_id);
alter table app.api_keys enable row level security;
create trigger leave_out_closed before insert on app.api_keys
  for each row execute function app.leave_out_closed();

-- Privacy policy and terms: each version is published once.
create table app.policies (
  version text primary key,
  published_at timestamptz not null default now(),
  summary text not null
);
alter table app.policies enable row level security;
insert into app.policies (version, published_at, summary)
values ('1', '2026-11-23T00:00:00Z', 'The first privacy policy and terms.');

create table app.policy_acceptances (
  account_id uuid not null references app.accounts (id) on delete cascade,
  version text not null references app.policies (version),
  accepted_at timestamptz not null default now(),
  primary key (account_id, version)
);
alter table app.policy_acceptances enable row level security;

-- Supabase Auth -----------------------------------------------------------------------------------

-- The hook that Auth calls before it creates a user. A sign-up carries `name` and `over_13` as user
-- metadata; the hook tells people who did not confirm their age what to do. app.open_account checks
-- it again, for other ways to sign up and for projects where the hook is not set.
create function app.before_user_created(event jsonb) returns jsonb
language plpgsql set search_path = '' as $$
begin
  if coalesce(event #>> '{user,user_metadata,over_13}', '') <> 'true' then
    return jsonb_build_object('error', jsonb_build_object(
      'http_code', 400,
      'message', 'Confirm that you are 13 or older: an account needs over_13: true.'));
  end if;
  return '{}';
end
$$;
revoke all on function app.before_user_created(jsonb) from public;
do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_auth_admin') then
    grant usage on schema app to supabase_auth_admin;
    grant execute on function app.before_user_created(jsonb) to supabase_auth_admin;
  end if;
end
$$;

-- A person who signs up gets an account at once, in the same transaction.
create function app.open_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if coalesce(new.raw_user_meta_data ->> 'over_13', '') <> 'true' then
    raise exception 'Confirm that you are 13 or older: an account needs over_13: true.'
      using errcode = 'PT400';
  end if;
  insert into app.accounts (id, email, name, over_13_at)
  values (new.id, new.email, left(new.raw_user_meta_data ->> 'name', 200), now());
  insert into app.policy_acceptances (account_id, version)
  select new.id, version from app.policies order by published_at desc limit 1;
  return new;
end
$$;
revoke all on function app.open_account() from public;
create trigger open_account after insert on auth.users
  for each row execute function app.open_account();

-- Auth has confirmed a new address before it is written to the user.
create function app.follow_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update app.accounts set email = new.email where id = new.id and email is distinct from new.email;
  return new;
end
$$;
revoke all on function app.follow_user() from public;
create trigger follow_user after update of email on auth.users
  for each row execute function app.follow_user();

-- An account whose login was deleted is closed, however it was deleted.
create function app.close_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update app.accounts set closed_at = now()
   where id = old.id and closed_at is null;
  return null;
end
$$;
revoke all on function app.close_account() from public;
create trigger close_account after delete on auth.users
  for each row execute function app.close_account();
-- Auth's soft deletion keeps the row.
create trigger close_account_softly after update of deleted_at on auth.users
  for each row when (new.deleted_at is not null) execute function app.close_account();

-- Visitors ----------------------------------------------------------------------------------------

-- Visitors of the last day. The rows outlive the accounts, so that their number can be limited.
create table app.guests (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  network text not null,
  -- The /48 around `network`, for IPv6.
  wide_network text,
  account_id uuid references app.accounts (id) on delete set null
);
create index guests_network on app.guests (network, created_at);
create index guests_wide_network on app.guests (wide_network, created_at)
  where wide_network is not null;
create index guests_created on app.guests (created_at);
create index guests_account on app.guests (account_id) where account_id is not null;
alter table app.guests enable row level security;

-- Opens an account for a visitor, with a key. Past a limit nothing is opened: then `beyond` names
-- the limit (`minute` and `day` of an address, `all` of all addresses), and `wait` is the number of
-- seconds until there is room again. `p_wide` is null, or a larger network, which may open `p_share`
-- times as many. lib/accounts/guests.py calls it.
create function app.open_guest(
  p_network text, p_wide text, p_share integer, p_most_a_minute integer, p_most_a_day integer,
  p_most_in_all integer, p_seconds integer, p_hash bytea, p_starts_with text
) returns table (expires_at timestamptz, beyond text, wait integer)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  -- A call that waited here sees what the previous one wrote: each statement has a new snapshot.
  perform pg_advisory_xact_lock(hashtext('app.open_guest'));
  -- Where a span is full, the oldest of the accounts that fill it has to leave it.
  return query
    select null::timestamptz, l.beyond,
           greatest(1, ceil(extract(epoch from oldest.created_at + l.span - now())))::integer
      from (values ('minute', p_network, null, p_most_a_minute, interval '1 minute'),
                   ('day', p_network, null, p_most_a_day, interval '1 day'),
                   ('minute', null, p_wide, p_most_a_minute * p_share, interval '1 minute'),
                   ('day', null, p_wide, p_most_a_day * p_share, interval '1 day'),
                   ('all', null, null, p_most_in_all, interval '1 day')
           ) l (beyond, network, wide, most, span)
     cross join lateral (
       select g.created_at from app.guests g
        where g.created_at > now() - l.span
          and (l.network is null or g.network = l.network)
          and (l.wide is null or g.wide_network = l.wide)
        order by g.created_at desc offset l.most - 1 limit 1) oldest
     where l.beyond = 'all' or l.network is not null or l.wide is not null
     order by oldest.created_at + l.span desc limit 1;
  if found then
    return;
  end if;
  return query
    with opened as (
      insert into app.accounts
        (id, plan_id, inputs_kept_seconds, outputs_kept_seconds, guest_until)
      values (gen_random_uuid(), 'try', p_seconds, p_seconds,
              now() + make_interval(secs => p_seconds))
      returning id, guest_until
    ),
    noted as (
      insert into app.guests (network, wide_network, account_id)
      select p_network, p_wide, id from opened
    )
    insert into app.api_keys (account_id, hash, starts_with, label, expires_at)
    select id, p_hash, p_starts_with, 'visitor', guest_until from opened
    returning expires_at, null::text, null::integer;
end
$$;
revoke all on function app.open_guest from public;

-- Rate limits -------------------------------------------------------------------------------------

-- Fixed one-minute windows of calls, by subject: `<what>:<account id or address>`. Unlogged, since
-- it is written with every call: it is worth neither a wait for the disk nor a place in the backup.
create unlogged table app.rate_windows (
  subject text not null,
  started_at timestamptz not null,
  hits integer not null,
  primary key (subject, started_at)
);
create index rate_windows_started on app.rate_windows (started_at);
alter table app.rate_windows enable row level security;

-- Finds the caller behind a key's hash or a person's id, and counts the call in each of the windows
-- `p_windows` of its account. No row for an unknown credential; calls of a closed account are not
-- counted. `p_issued` is when the person's token was issued (seconds; null for no token): tokens from
-- before the person signed out everywhere are refused. lib/accounts/callers.py calls it.
--
-- A function, since every authenticated call runs it and planning it took longer than its execution:
-- the plans of functions are kept, and the transaction pooler keeps no prepared statements.
create function app.identify(
  p_hash bytea, p_person uuid, p_issued bigint, p_windows text[]
) returns table (
  key_id uuid, account_id uuid, scopes text[], closed boolean, guest boolean, suspended_for text,
  plan_name text, minutes_per_month integer, max_input_bytes bigint, max_job_seconds integer,
  requests_per_minute integer, hits jsonb, window_seconds integer)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
    with credential as (
      select k.id as key_id, k.account_id, k.scopes
        from app.api_keys k
       where k.hash = p_hash and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > now())
      union all
      select null, a.id, array['jobs', 'read']
        from app.accounts a
       where a.id = p_person
         and (a.sessions_ended_at is null or p_issued is null
              or to_timestamp(p_issued) >= date_trunc('second', a.sessions_ended_at))
    ),
    counted as (
      insert into app.rate_windows as w (subject, started_at, hits)
      select window_name || ':' || c.account_id, date_trunc('minute', now()), 1
        from credential c join app.accounts a on a.id = c.account_id, unnest(p_windows) as window_name
       where a.closed_at is null
      on conflict (subject, started_at) do update set hits = w.hits + 1
      returning split_part(subject, ':', 1) as name, hits
    )
    select c.key_id, c.account_id, c.scopes,
           a.closed_at is not null, a.guest_until is not null,
           case when a.suspended_at is not null then coalesce(a.suspended_for, '') end,
           p.name, p.minutes_per_month, p.max_input_bytes, p.max_job_seconds, p.requests_per_minute,
           (select jsonb_object_agg(n.name, n.hits) from counted n),
           60 - floor(extract(second from now()))::integer
      from credential c join app.accounts a on a.id = c.account_id
           join app.plans p on p.id = a.plan_id;
end
$$;
revoke all on function app.identify from public;

-- Calls being answered that may take seconds. A row past its `until` does not count: its process
-- ended without deleting it.
create unlogged table app.slow_calls (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  kind text not null,
  until timestamptz not null
);
create index slow_calls_account on app.slow_calls (account_id, kind);
alter table app.slow_calls enable row level security;

-- Adds a slow call unless the account has `p_limit` of this kind; its id, or null. A function, so
-- that two calls at once wait for each other.
create function app.begin_slow_call(
  p_account uuid, p_kind text, p_limit integer, p_seconds integer
) returns uuid
language plpgsql set search_path = '' as $$
declare
  v_id uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('app.slow_calls:' || p_account, 0));
  delete from app.slow_calls where account_id = p_account and until < clock_timestamp();
  insert into app.slow_calls (account_id, kind, until)
  select a.id, p_kind, clock_timestamp() + make_interval(secs => p_seconds)
    from app.accounts a
   where a.id = p_account and p_limit > (
     select count(*) from app.slow_calls c where c.account_id = a.id and c.kind = p_kind)
  returning id into v_id;
  return v_id;
end
$$;
revoke all on function app.begin_slow_call from public;
