-- What the operator does, sees and counts.

-- Each act, written in the same statement as the act itself. Ids alone; the reason is the
-- operator's own sentence.
create table app.operator_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  -- The person at the keyboard, as the machine knows them.
  who text not null,
  act text not null,
  -- Without foreign keys: the record of what was done outlives whom it was done to.
  account_id uuid,
  job_id uuid,
  reason text,
  detail jsonb not null default '{}'
);
create index operator_log_account on app.operator_log (account_id, at)
  where account_id is not null;
-- A job is retried once; the retry itself may be retried.
create unique index operator_log_retry on app.operator_log (job_id) where act = 'retry';
alter table app.operator_log enable row level security;

-- Minutes given belong to no job. Minutes given back belong to one, once.
alter table app.usage_ledger
  alter column job_id drop not null,
  drop constraint usage_ledger_kind_check,
  add constraint usage_ledger_kind_check
    check (kind in ('reserve', 'settle', 'release', 'grant', 'refund')),
  add constraint usage_ledger_job check (job_id is not null or kind = 'grant');
drop index app.usage_ledger_end;
create unique index usage_ledger_end on app.usage_ledger (job_id)
  where kind in ('settle', 'release');
create unique index usage_ledger_refund on app.usage_ledger (job_id) where kind = 'refund';

-- Of an account that is being deleted, or whose login is gone, by whatever way: it answers no more,
-- with keys or tokens.
alter table app.accounts add column closed_at timestamptz;

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

-- Signals of abuse look at refused calls of the last hours, and at accounts that are new.
create index request_log_refused on app.request_log (status, at)
  where status in (400, 401, 402, 429);
create index accounts_created on app.accounts (created_at);
create index tasks_ended on app.tasks (ended_at) where ended_at is not null;

-- Counters for the metrics: totals that only grow, whatever is rolled up, swept or erased.
create table app.counters (
  name text not null,
  labels jsonb not null,
  value numeric not null,
  primary key (name, labels)
);
-- How far each append-only table has been counted.
create table app.counted (
  source text primary key,
  last_id bigint not null default 0,
  last_at timestamptz not null default '-infinity'
);
insert into app.counted (source)
values ('request_log'), ('job_events'), ('usage_ledger'), ('deletions'), ('tasks');
alter table app.counters enable row level security;
alter table app.counted enable row level security;

-- The last id of a batch after `p_last` in which every row was written before `p_before`; null when
-- there is none.
create function app.batch_end(
  p_source text, p_last bigint, p_before timestamptz, p_batch integer
) returns bigint
language plpgsql stable set search_path = '' set enable_seqscan = off as $$
declare
  found bigint;
begin
  execute format(
    'select coalesce(min(id) filter (where at >= $2) - 1, max(id))
       from (select id, at from app.%I where id > $1 order by id limit $3) batch', p_source)
    into found using p_last, p_before, p_batch;
  return case when found > p_last then found end;
end
$$;
revoke all on function app.batch_end from public;

-- Adds what was written since the last time to the counters, at most `p_batch` rows of each table;
-- whether a table had that many. Rows count when they are `p_settled` old: until then a row with a
-- lower id may yet appear. Two at once wait for each other, so that nothing counts twice. Whatever
-- the statistics say of tables that grow fast, only their new end is read.
create function app.count_up(p_batch integer, p_settled interval) returns boolean
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_source text;
  v_last bigint;
  v_moment timestamptz;
  v_until bigint;
  v_more boolean := false;
  v_before constant timestamptz := clock_timestamp() - p_settled;
  -- Milliseconds, as in lib/jobs/counters.py.
  v_bounds constant real[] := '{5,10,25,50,100,250,500,1000,2500,5000,10000}';
begin
  foreach v_source in array array['request_log', 'job_events', 'usage_ledger', 'deletions'] loop
    select c.last_id into v_last from app.counted c where c.source = v_source for update;
    v_until := app.batch_end(v_source, v_last, v_before, p_batch);
    continue when v_until is null;
    v_more := v_more or v_until - v_last >= p_batch;
    insert into app.counters as c (name, labels, value)
    select * from (
      select 'requests' as name,
             jsonb_build_object('method', m.method, 'route', l.route, 'status', l.status,
               'bucket', (select count(*) from unnest(v_bounds) b where l.milliseconds > b)) as labels,
             count(*)::numeric as value
        from app.request_log l, lateral (select case
               when l.method in ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
                 then l.method else 'other' end as method) m
       where v_source = 'request_log' and l.id > v_last and l.id <= v_until group by 2
      union all
      select 'request_milliseconds', jsonb_build_object('route', l.route),
             sum(l.milliseconds)::numeric
        from app.request_log l
       where v_source = 'request_log' and l.id > v_last and l.id <= v_until group by 2
      union all
      select 'job_events', jsonb_build_object('kind', e.kind, 'category',
               case when e.kind = 'failed' then coalesce(j.error_category, 'unknown') end),
             count(*)
        from app.job_events e left join app.jobs j on j.id = e.job_id
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until group by 2
      union all
      select 'minutes', jsonb_build_object('kind', u.kind), sum(u.minutes)
        from app.usage_ledger u
       where v_source = 'usage_ledger' and u.id > v_last and u.id <= v_until group by 2
      union all
      select 'deletions', jsonb_build_object('bucket', d.bucket, 'reason', d.reason), count(*)
        from app.deletions d
       where v_source = 'deletions' and d.id > v_last and d.id <= v_until group by 2
    ) batch
    on conflict (name, labels) do update set value = c.value + excluded.value;
    update app.counted c set last_id = v_until where c.source = v_source;
  end loop;

  -- Tasks have no growing id; the moment they ended grows.
  select c.last_at into v_moment from app.counted c where c.source = 'tasks' for update;
  insert into app.counters as c (name, labels, value)
  select 'tasks', jsonb_build_object('kind', case when t.kind ~ '^[a-z_]+$' then t.kind else
           'other' end, 'state', case
             when t.error is null then 'done'
             when t.error like 'uncertain:%' then 'uncertain'
             else 'given_up' end), count(*)
    from app.tasks t where t.ended_at > v_moment and t.ended_at <= v_before group by 2
  on conflict (name, labels) do update set value = c.value + excluded.value;
  update app.counted c set last_at = greatest(v_moment, v_before) where c.source = 'tasks';
  return v_more;
end
$$;
revoke all on function app.count_up from public;
