-- The record of API calls, counters for the metrics, and what workers report.

-- Every API call of the last 90 days.
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
create index request_log_ip on app.request_log (at) where ip is not null;
-- Signals of abuse read the refused calls of the last hours.
create index request_log_refused on app.request_log (status, at)
  where status in (400, 401, 402, 429);
alter table app.request_log enable row level security;

-- Calls older than 90 days, counted by day.
create table app.request_days (
  day date not null,
  account_id uuid,
  route text not null,
  status smallint not null,
  calls bigint not null,
  milliseconds double precision not null,
  unique nulls not distinct (day, account_id, route, status)
);
alter table app.request_days enable row level security;

-- Workers -------------------------------------------------------------------------------------------

-- A row for each kind of machine that ran jobs: its ffmpeg, and the parts of the sandbox that its
-- kernel provides.
create table app.worker_reports (
  ffmpeg text not null,
  cage text[] not null,
  seen_at timestamptz not null default now(),
  primary key (ffmpeg, cage)
);
alter table app.worker_reports enable row level security;

-- One row per worker process or function instance. lib/telemetry/heartbeat.py writes it while the
-- process works or polls, and deletes rows that have been silent for an hour.
create table app.worker_heartbeats (
  id uuid primary key,
  started_at timestamptz not null,
  seen_at timestamptz not null default now(),
  version text not null,
  -- Jobs that the process may run at once, and how many of these slots are in use.
  slots integer not null,
  busy_slots integer not null,
  -- Jobs that the process holds a lease of.
  leases integer not null,
  -- Free bytes of the disk that holds the working folders.
  free_disk_bytes bigint not null
);
create index worker_heartbeats_seen on app.worker_heartbeats (seen_at);
alter table app.worker_heartbeats enable row level security;

-- Counters ------------------------------------------------------------------------------------------

-- Totals that only grow, whatever is rolled up, swept or erased.
create table app.counters (
  name text not null,
  labels jsonb not null,
  value numeric not null,
  primary key (name, labels)
);
alter table app.counters enable row level security;

-- How far each append-only table has been counted.
create table app.counted (
  source text primary key,
  last_id bigint not null default 0,
  last_at timestamptz not null default '-infinity'
);
alter table app.counted enable row level security;
insert into app.counted (source)
values ('request_log'), ('job_events'), ('usage_ledger'), ('deletions'), ('tasks');

-- Adds counts that a process kept in memory: an array of {name, labels, value}.
create function app.add_counts(p_counts jsonb) returns void
language sql set search_path = '' as $$
  insert into app.counters as c (name, labels, value)
  select e ->> 'name', e -> 'labels', sum((e ->> 'value')::numeric)
    from jsonb_array_elements(p_counts) e group by 1, 2 order by 1, 2
  on conflict (name, labels) do update set value = c.value + excluded.value
$$;
revoke all on function app.add_counts from public;

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
-- true if a table had that many. Rows count when they are `p_settled` old: until then a row with a
-- lower id may still appear. Two calls at once wait for each other, so that nothing counts twice.
-- Whatever the statistics say of tables that grow fast, only their new end is read (enable_seqscan).
create function app.count_up(p_batch integer, p_settled interval) returns boolean
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
  v_source text;
  v_last bigint;
  v_moment timestamptz;
  v_until bigint;
  v_more boolean := false;
  v_before constant timestamptz := clock_timestamp() - p_settled;
  -- Milliseconds, as in lib/telemetry/counters.py.
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
      select 'job_attempts', jsonb_build_object('attempt', case
               when n.attempt <= 3 then n.attempt::text else '4+' end), count(*)
        from app.job_events e,
             lateral (select coalesce((e.detail ->> 'attempt')::integer, 1) as attempt) n
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'started' group by 2
      union all
      select 'job_failures', jsonb_build_object(
               'category', coalesce(j.error_category, 'unknown'), 'reason', case
                 when not e.detail ? 'reason' then ''
                 when e.detail ->> 'reason' ~ '^[a-z][a-z0-9_]{0,39}$' then e.detail ->> 'reason'
                 else 'other' end), count(*)
        from app.job_events e left join app.jobs j on j.id = e.job_id
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'failed' group by 2
      union all
      -- A worker that gives its job back adds an event; one that falls silent does not.
      select 'leases_expired', '{}'::jsonb, count(*)
        from app.job_events e
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'started' and (e.detail ->> 'attempt')::integer > 1
         and not exists (
           select from app.job_events r
            where r.job_id = e.job_id and r.id < e.id and r.kind = 'retried'
              and (r.detail ->> 'attempt')::integer = (e.detail ->> 'attempt')::integer - 1)
      having count(*) > 0
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

  -- Tasks have no growing id, but the time at which they ended grows.
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
