-- Who an account is, what it agreed to, whether it may work, and what its keys may do.

-- Policies: each version is published once; what each account accepted is kept.
create table app.policies (
  version text primary key,
  published_at timestamptz not null default now(),
  summary text not null
);
insert into app.policies (version, published_at, summary)
values ('1', '2026-11-23T00:00:00Z', 'The first privacy policy and terms.');

create table app.policy_acceptances (
  account_id uuid not null references app.accounts (id) on delete cascade,
  version text not null references app.policies (version),
  accepted_at timestamptz not null default now(),
  primary key (account_id, version)
);

alter table app.accounts
  -- When the person confirmed to be 13 or older; there is no account without it.
  add column over_13_at timestamptz,
  add column suspended_at timestamptz,
  -- Told to the caller with each refusal.
  add column suspended_for text;
update app.accounts set over_13_at = created_at where over_13_at is null;
create unique index accounts_email on app.accounts (lower(email));

-- `jobs` makes and reads, `read` only reads; a signed-in person may do all, and alone manages keys.
alter table app.api_keys
  add column scopes text[] not null default '{jobs,read}'
    check (scopes <@ '{jobs,read}' and cardinality(scopes) > 0),
  -- The key's first letters, by which its owner tells it from others.
  add column starts_with text not null default '';

-- Minutes given on top of the plan's, for one month; written with each grant.
alter table app.usage add column granted_minutes numeric(14, 4) not null default 0;

-- Counted with every call: not worth a wait for the disk, nor a place in the backup.
alter table app.rate_windows set unlogged;

-- The sign-up carries name and `over_13` as user metadata. The hook tells those who forgot it what
-- to do; the trigger is the last guard, for sign-ups by other ways and where the hook is not set.
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

create or replace function app.open_account() returns trigger
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

-- A changed address has been confirmed by Auth when it arrives here.
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

do $$
begin
  if exists (select from pg_roles where rolname = 'supabase_auth_admin') then
    grant usage on schema app to supabase_auth_admin;
    grant execute on function app.before_user_created(jsonb) to supabase_auth_admin;
  end if;
end
$$;

alter table app.policies enable row level security;
alter table app.policy_acceptances enable row level security;
