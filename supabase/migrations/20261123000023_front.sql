-- Slow calls are limited by account; IPv6 callers are counted by /64 and by /48.

-- Calls of an account that are being answered and may take seconds. A row whose time is over counts
-- no more: its process died.
create unlogged table app.slow_calls (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  kind text not null,
  until timestamptz not null
);
create index slow_calls_account on app.slow_calls (account_id, kind);
alter table app.slow_calls enable row level security;

-- Adds a slow call unless the account has `p_limit` of this kind; its id, or null. A function, so
-- that two at once wait for each other.
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

-- Of an IPv6 visitor: the /48 around `network`.
alter table app.guests add column wide_network text;
create index guests_wide_network on app.guests (wide_network, created_at)
  where wide_network is not null;

drop function app.open_guest(text, integer, integer, integer, integer, bytea, text);

-- Opens an account for a visitor, with a key. Past a limit nothing is opened: then `beyond` names
-- it (`minute` and `day` of an address, `all` of all addresses), and `wait` are the seconds until
-- there is room again. `p_wide` is null, or a larger network, which may open `p_share` times as
-- many.
create function app.open_guest(
  p_network text, p_wide text, p_share integer, p_most_a_minute integer, p_most_a_day integer,
  p_most_in_all integer, p_seconds integer, p_hash bytea, p_starts_with text
) returns table (expires_at timestamptz, beyond text, wait integer)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  -- Whoever waited here sees what the previous call wrote: each statement takes a new snapshot.
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

-- Takes the addresses that an account called from out of what does not name the account: calls that
-- were refused, counts by address. Before the login goes, whose sessions know addresses too.
create or replace function app.forget_addresses(p_account uuid) returns void
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
          and (w.subject like '%:' || network(set_masklen(each.ip, 64))::text
               or w.subject like '%:' || network(set_masklen(each.ip, 48))::text));
end
$$;
