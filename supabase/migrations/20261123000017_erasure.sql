-- Erasure in batches; nothing is accepted of a closed account, and nothing of it comes back.

-- A call that was let in just before the account was closed stores nothing: the row is left out.
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
create trigger leave_out_closed before insert on app.jobs
  for each row execute function app.leave_out_closed();
create trigger leave_out_closed before insert on app.uploads
  for each row execute function app.leave_out_closed();
create trigger leave_out_closed before insert on app.api_keys
  for each row execute function app.leave_out_closed();
create trigger leave_out_closed before insert on app.exports
  for each row execute function app.leave_out_closed();

-- Begins an export unless one is under way or enough were made; how many within a day, and whether
-- one is under way. A function, so that two at once wait for each other.
create function app.ask_export(p_account uuid, p_most integer) returns table (
  number bigint, under_way boolean)
language plpgsql set search_path = '' as $$
declare
  made uuid;
begin
  perform from app.accounts where id = p_account for no key update;
  -- One that was given up is not under way any more.
  delete from app.exports e
   where e.account_id = p_account and e.object_name is null and not exists (
     select from app.tasks t where t.key = 'export:' || e.id and t.ended_at is null);
  select count(*), coalesce(bool_or(e.object_name is null), false) into number, under_way
    from app.exports e
   where e.account_id = p_account
     and (e.created_at > now() - interval '1 day' or e.object_name is null);
  if not under_way and number < p_most then
    insert into app.exports (account_id) values (p_account) returning id into made;
    insert into app.tasks (kind, key, account_id, payload)
    select 'export', 'export:' || made, p_account, jsonb_build_object('export', made)
     where made is not null;
  end if;
  return next;
end
$$;
revoke all on function app.ask_export from public;

-- Takes the addresses that an account called from out of what does not name the account: calls that
-- were refused, counts by address. Before the login goes, whose sessions know addresses too.
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
   where w.subject like '%:' || host(each.ip)  -- as lib/http/client.py has them
      or (family(each.ip) = 6
          and w.subject like '%:' || network(set_masklen(each.ip, 64))::text);
end
$$;
revoke all on function app.forget_addresses from public;

drop function app.erase_account(uuid, text);

-- Deletes the rows that tell of an account, at most `p_batch` of each large table; whether more are
-- left. The login and the files are gone before. Safe to repeat.
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
  delete from app.deletions where object_name like p_account || '/%';
  -- What the operator did stays, without whom and what it was about.
  update app.operator_log set account_id = null, job_id = null, reason = null, detail = '{}'
   where account_id = p_account
      or job_id in (select j.id from app.jobs j where j.account_id = p_account);
  delete from app.jobs where id in (
    select j.id from app.jobs j where j.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.uploads where id in (
    select u.id from app.uploads u where u.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.request_days where account_id = p_account;
  delete from app.rate_windows where subject like '%:' || p_account;
  delete from app.support_messages where lower(email) = lower(p_email);
  -- Mails about the account too, to it or to be answered to it, that name no account.
  delete from app.tasks
   where key is distinct from 'erase:' || p_account
     and (account_id = p_account or payload #>> '{values,account}' = p_account::text
          or lower(p_email) in (lower(payload ->> 'to'), lower(payload ->> 'reply_to')));
  delete from app.accounts where id = p_account;
  -- What Auth keeps beside the login: records of sign-ins and deletions, sign-ins not finished,
  -- tokens of sessions that are long over.
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
