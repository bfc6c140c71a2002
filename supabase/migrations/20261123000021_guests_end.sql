-- A visitor's account carries its own end; all limits of visitors are checked under one lock.

alter table app.accounts
  -- Of a visitor's account, which has no person: it is erased from then on.
  add column guest_until timestamptz;
create index accounts_guests on app.accounts (guest_until)
  where guest_until is not null and closed_at is null;
update app.accounts set guest_until = created_at + interval '1 hour' where plan_id = 'try';

drop function app.open_guest(text, integer, integer, integer, bytea, text);

-- Opens an account for a visitor, with a key. Nothing is opened past a limit: then `beyond` names
-- it (`minute` and `day` of an address, `all` of all addresses), and `wait` are the seconds until
-- there is room again.
create function app.open_guest(
  p_network text, p_most_a_minute integer, p_most_a_day integer, p_most_in_all integer,
  p_seconds integer, p_hash bytea, p_starts_with text
) returns table (expires_at timestamptz, beyond text, wait integer)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  -- Who waited here sees what the one before has made: each statement looks anew.
  perform pg_advisory_xact_lock(hashtext('app.open_guest'));
  -- With as many within the span as are allowed, the first of them has to be over.
  return query
    select null::timestamptz, l.beyond,
           greatest(1, ceil(extract(epoch from oldest.created_at + l.span - now())))::integer
      from (values ('minute', p_network, p_most_a_minute, interval '1 minute'),
                   ('day', p_network, p_most_a_day, interval '1 day'),
                   ('all', null, p_most_in_all, interval '1 day')) l (beyond, network, most, span)
     cross join lateral (
       select g.created_at from app.guests g
        where g.created_at > now() - l.span and (l.network is null or g.network = l.network)
        order by g.created_at desc offset l.most - 1 limit 1) oldest
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
      insert into app.guests (network, account_id) select p_network, id from opened
    )
    insert into app.api_keys (account_id, hash, starts_with, label, expires_at)
    select id, p_hash, p_starts_with, 'visitor', guest_until from opened
    returning expires_at, null::text, null::integer;
end
$$;
revoke all on function app.open_guest from public;

-- Queues the mail `quota_80` or `quota_100`, once for an account and month; visitors get no mail.
create or replace function app.warn_of_quota(
  p_account uuid, p_period date, p_used numeric, p_limit numeric, p_percent integer
) returns void
language sql set search_path = '' as $$
  -- Who hears that all is used need not hear of the 80 % any more.
  insert into app.tasks (kind, key, account_id, payload, ended_at)
  select 'mail', format('quota_%s:%s:%s', percent, p_account, p_period), p_account,
         jsonb_build_object('template', 'quota_' || percent, 'values', jsonb_build_object(
           'used', trim_scale(round(p_used, 1))::text, 'limit', trim_scale(p_limit)::text,
           'month', to_char(p_period, 'FMMonth YYYY'))),
         case when percent < p_percent then now() end
    from unnest(array[80, 100]) as percent
   where percent <= p_percent
     and exists (select from app.accounts a where a.id = p_account and a.email is not null)
  on conflict (key) do nothing
$$;
