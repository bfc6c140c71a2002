-- Minutes: what an account has used and reserved in a month, and the ledger of every change.
-- lib/jobs/transitions/ writes both, and the functions below that grant and refund.

-- Minutes of a calendar month (UTC). used + reserved never exceeds the plan's limit + granted.
create table app.usage (
  account_id uuid not null references app.accounts (id) on delete cascade,
  period date not null,
  reserved_minutes numeric(14, 4) not null default 0 check (reserved_minutes >= 0),
  used_minutes numeric(14, 4) not null default 0 check (used_minutes >= 0),
  -- Granted by the operator for this month, on top of the plan's.
  granted_minutes numeric(14, 4) not null default 0,
  primary key (account_id, period)
);
alter table app.usage enable row level security;

-- Append only. A job ends at most once: settled (charged) or released (not charged). Granted minutes
-- belong to no job; a job is refunded at most once.
create table app.usage_ledger (
  id bigint generated always as identity primary key,
  account_id uuid not null references app.accounts (id) on delete cascade,
  job_id uuid,
  period date not null,
  kind text not null check (kind in ('reserve', 'settle', 'release', 'grant', 'refund')),
  minutes numeric(12, 4) not null check (minutes >= 0),
  at timestamptz not null default now(),
  constraint usage_ledger_job check (job_id is not null or kind = 'grant')
);
create unique index usage_ledger_end on app.usage_ledger (job_id)
  where kind in ('settle', 'release');
create unique index usage_ledger_refund on app.usage_ledger (job_id) where kind = 'refund';
create index usage_ledger_account on app.usage_ledger (account_id, period);
alter table app.usage_ledger enable row level security;

-- The ledger is deleted with its account, and otherwise never changed.
create function app.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' and not exists (select from app.accounts a where a.id = old.account_id) then
    return old;
  end if;
  raise exception '% is append only', tg_table_name;
end
$$;
revoke all on function app.refuse_change() from public;
create trigger append_only before update or delete on app.usage_ledger
  for each row execute function app.refuse_change();
create trigger no_truncate before truncate on app.usage_ledger
  for each statement execute function app.refuse_change();

-- Grants an account minutes of this month (UTC), beyond its plan's. No row for no such account.
create function app.grant_minutes(p_account uuid, p_minutes numeric) returns table (
  account_id uuid, period date, granted_minutes numeric)
language sql set search_path = '' as $$
  with granted as (
    insert into app.usage as u (account_id, period, granted_minutes)
    select a.id, date_trunc('month', now() at time zone 'utc')::date, p_minutes
      from app.accounts a where a.id = p_account
    on conflict (account_id, period) do update
      set granted_minutes = u.granted_minutes + excluded.granted_minutes
    returning u.account_id, u.period, u.granted_minutes
  ),
  ledger as (
    insert into app.usage_ledger (account_id, period, kind, minutes)
    select g.account_id, g.period, 'grant', p_minutes from granted g
  )
  select g.account_id, g.period, g.granted_minutes from granted g
$$;
revoke all on function app.grant_minutes from public;

-- Refunds what a job was charged, once. No row for a job that was not charged; `refunded` is false
-- when it was refunded before.
create function app.refund_job(p_job uuid) returns table (
  account_id uuid, minutes numeric, refunded boolean)
language sql set search_path = '' as $$
  with charged as (
    select l.account_id, l.job_id, l.period, l.minutes from app.usage_ledger l
     where l.job_id = p_job and l.kind = 'settle' and l.minutes > 0
  ),
  refunded as (
    insert into app.usage_ledger as l (account_id, job_id, period, kind, minutes)
    select c.account_id, c.job_id, c.period, 'refund', c.minutes from charged c
    on conflict (job_id) where kind = 'refund' do nothing
    returning l.account_id, l.period, l.minutes
  ),
  usage as (
    update app.usage u set used_minutes = greatest(0, u.used_minutes - r.minutes)
      from refunded r where u.account_id = r.account_id and u.period = r.period
  )
  select c.account_id, c.minutes, exists (select from refunded) from charged c
$$;
revoke all on function app.refund_job from public;

-- Queues the mail `quota_80` or `quota_100`, each once for an account and month. A mail about 100 %
-- makes a later one about 80 % pointless. Visitors get no mail.
create function app.warn_of_quota(
  p_account uuid, p_period date, p_used numeric, p_limit numeric, p_percent integer
) returns void
language sql set search_path = '' as $$
  select app.add_task('mail', format('quota_%s:%s:%s', p_percent, p_account, p_period), p_account,
           jsonb_build_object('template', 'quota_' || p_percent, 'values', jsonb_build_object(
             'used', trim_scale(round(p_used, 1))::text, 'limit', trim_scale(p_limit)::text,
             'month', to_char(p_period, 'FMMonth YYYY'))))
    from app.accounts a
   where a.id = p_account and a.email is not null
     and (p_percent = 100 or not exists (
       select from app.tasks t where t.key = format('quota_100:%s:%s', p_account, p_period)))
$$;
revoke all on function app.warn_of_quota from public;

-- Warns in the transaction that changes the usage, whichever it is.
create function app.watch_usage() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  allowed numeric := (
    select p.minutes_per_month + new.granted_minutes
      from app.accounts a join app.plans p on p.id = a.plan_id where a.id = new.account_id);
begin
  if new.used_minutes >= 0.8 * allowed and new.used_minutes > 0 then
    perform app.warn_of_quota(new.account_id, new.period, new.used_minutes, allowed,
      case when new.used_minutes >= allowed then 100 else 80 end);
  end if;
  return null;
end
$$;
revoke all on function app.watch_usage() from public;
create trigger watch_usage after update of used_minutes on app.usage
  for each row when (new.used_minutes > old.used_minutes) execute function app.watch_usage();
