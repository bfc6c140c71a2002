-- Support messages, reports, staff access to files, exports and erasure.

create table app.support_messages (
  id uuid primary key,
  at timestamptz not null default now(),
  account_id uuid references app.accounts (id) on delete cascade,
  -- Where to answer. In a message without an account, only this says whose it is.
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
alter table app.support_messages enable row level security;

-- A job that its owner reports: while the report is open, staff may open the job's files.
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
alter table app.reports enable row level security;

-- Each time a member of our staff opened a job's files, written before they could.
-- lib/privacy/staff.py is the only writer.
create table app.staff_accesses (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_id uuid not null,
  reason text not null check (reason <> ''),
  -- The legal order that requires the access; null when the owner had reported the job.
  legal_reference text check (legal_reference <> ''),
  until timestamptz not null check (until <= at + interval '24 hours'),
  -- The gs:// addresses.
  files text[] not null check (cardinality(files) > 0)
);
create index staff_accesses_account on app.staff_accesses (account_id, at desc);
alter table app.staff_accesses enable row level security;

-- Exports -------------------------------------------------------------------------------------------

-- Begins an export, an archive of everything we hold about an account that its owner can download for
-- a day, unless one is in progress or there were `p_most` within a day. Returns how many there were,
-- and whether one was in progress. A function, so that two at once wait for each other.
create function app.ask_export(p_account uuid, p_most integer) returns table (
  number bigint, under_way boolean)
language plpgsql set search_path = '' as $$
declare
  v_export uuid;
begin
  perform from app.accounts where id = p_account for no key update;
  -- An export that was given up is not in progress any more.
  perform app.withdraw_file(f.id) from app.files f
    where f.account_id = p_account and f.role = 'export' and f.confirmed_at is null
      and not exists (
        select from app.tasks t where t.key = 'export:' || f.id and t.ended_at is null);
  select count(*), coalesce(bool_or(f.confirmed_at is null), false) into number, under_way
    from app.files f
   where f.account_id = p_account and f.role = 'export'
     and (f.created_at > now() - interval '1 day' or f.confirmed_at is null);
  if not under_way and number < p_most then
    v_export := app.record_export(p_account);
    if v_export is not null then  -- null for a closed account
      perform app.add_task(
        'export', 'export:' || v_export, p_account, jsonb_build_object('export', v_export));
    end if;
  end if;
  return next;
end
$$;
revoke all on function app.ask_export from public;

-- Erasure -------------------------------------------------------------------------------------------

-- Removes the addresses that an account called from where the account is not named: refused calls
-- and counts by address. It runs before the login is deleted, whose sessions hold addresses too.
create function app.forget_addresses(p_account uuid) returns void
language plpgsql set search_path = '' as $$
declare
  v_ips inet[] := array(
    select l.ip from app.request_log l where l.account_id = p_account and l.ip is not null
    union
    select s.ip from auth.sessions s where s.user_id = p_account and s.ip is not null);
begin
  update app.request_log set ip = null
   where ip = any(v_ips) and account_id is null
     and at >= (select created_at from app.accounts where id = p_account);
  delete from app.rate_windows w using unnest(v_ips) as each (ip)
   where w.subject like '%:' || host(each.ip)  -- as lib/http/client.py writes them
      or (family(each.ip) = 6
          and (w.subject like '%:' || network(set_masklen(each.ip, 64))::text
               or w.subject like '%:' || network(set_masklen(each.ip, 48))::text));
end
$$;
revoke all on function app.forget_addresses from public;

-- Deletes the rows about an account, at most `p_batch` of each large table; true if more are left.
-- The login and the files are deleted before. Safe to repeat. lib/privacy/erase.py calls it.
create function app.erase_account(p_account uuid, p_email text, p_batch integer) returns boolean
language plpgsql set search_path = '' as $$
declare
  v_deleted bigint;
begin
  delete from app.request_log where id in (
    select l.id from app.request_log l where l.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.deletions where id in (
    select d.id from app.deletions d where d.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.deletions where key like p_account || '/%';
  -- The record of what the operator did stays, without the account it was about.
  update app.operator_log set account_id = null, job_id = null, reason = null, detail = '{}'
   where account_id = p_account
      or job_id in (select j.id from app.jobs j where j.account_id = p_account);
  delete from app.files where id in (
    select f.id from app.files f where f.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.jobs where id in (
    select j.id from app.jobs j where j.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.request_days where account_id = p_account;
  delete from app.rate_windows where subject like '%:' || p_account;
  delete from app.support_messages where lower(email) = lower(p_email);
  -- Including mails to the account's address, or to be answered to it, that name no account.
  delete from app.tasks
   where key is distinct from 'erase:' || p_account
     and (account_id = p_account or payload #>> '{values,account}' = p_account::text
          or lower(p_email) in (lower(payload ->> 'to'), lower(payload ->> 'reply_to')));
  delete from app.accounts where id = p_account;
  -- What Auth keeps beside the login: records of sign-ins and deletions, unfinished sign-ins, tokens
  -- of sessions that ended long ago.
  if to_regclass('auth.audit_log_entries') is not null then
    execute 'delete from auth.audit_log_entries
              where payload ->> ''actor_id'' = $1 or payload #>> ''{traits,user_id}'' = $1
                 or position(to_jsonb($2)::text in lower(payload::text)) > 0'
      using p_account::text, lower(p_email);
  end if;
  delete from auth.flow_state where user_id = p_account;
  delete from auth.refresh_tokens where user_id = p_account::text;
  return false;
end
$$;
revoke all on function app.erase_account from public;
