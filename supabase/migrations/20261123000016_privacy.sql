-- What an account may take along: one archive of all that is held of it, for a day.
insert into storage.buckets (id, name, public) values ('exports', 'exports', false)
on conflict (id) do update set public = excluded.public;

create table app.exports (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  created_at timestamptz not null default now(),
  -- Null until it is made.
  object_name text,
  expires_at timestamptz,
  deleted_at timestamptz,
  sweep_at timestamptz not null default '-infinity',
  sweep_tries integer not null default 0
);
create index exports_account on app.exports (account_id, created_at desc);
create index exports_due on app.exports (expires_at) where deleted_at is null;
alter table app.exports enable row level security;

-- All rows that tell of an account; the login and the files are gone before. Safe to repeat.
create function app.erase_account(p_account uuid, p_email text) returns void
language plpgsql set search_path = '' as $$
begin
  delete from app.request_log where account_id = p_account;
  delete from app.request_days where account_id = p_account;
  delete from app.rate_windows where subject like '%:' || p_account;
  delete from app.deletions
   where account_id = p_account or object_name like p_account || '/%';
  delete from app.support_messages where lower(email) = lower(p_email);
  -- What the operator did stays, without whom and what it was about.
  update app.operator_log set account_id = null, job_id = null, reason = null, detail = '{}'
   where account_id = p_account
      or job_id in (select j.id from app.jobs j where j.account_id = p_account);
  delete from app.tasks
   where account_id = p_account and key is distinct from 'erase:' || p_account;
  delete from app.accounts where id = p_account;
  -- Hosted Auth keeps a record of sign-ins beside the login.
  if to_regclass('auth.audit_log_entries') is not null then
    execute 'delete from auth.audit_log_entries where payload ->> ''actor_id'' = $1'
      using p_account::text;
  end if;
end
$$;
revoke all on function app.erase_account from public;
