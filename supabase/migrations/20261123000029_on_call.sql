-- What a person on call needs: heartbeats of workers, counters of attempts and failures, counts that
-- survive a database outage, and one statement that cancels the jobs of an account.

-- One row per worker process or function instance. lib/jobs/heartbeat.py writes it while the process
-- works or polls, and deletes rows that have been silent for an hour.
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

-- The signals of abuse and `stuck` read these few rows instead of all jobs.
create index jobs_failed_by_time on app.jobs (updated_at) where status = 'failed';
create index jobs_retried on app.jobs (updated_at) where attempt > 1;

-- Cancels an account's jobs that have not ended, at most `p_most`, or the one job `p_job`. Nothing is
-- charged. Returns the jobs that it canceled.
--
-- Queue messages are left alone: a worker that reads one finds that the job has ended, and a running
-- ffmpeg stops with its worker's next beat. Jobs are locked before the month's usage, as in the
-- statement that ends a job, so that the two never wait for each other.
create function app.cancel_jobs(
  p_account uuid, p_job uuid, p_message text, p_most integer
) returns setof app.jobs
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  v_ids uuid[];
  v_was_running boolean;
begin
  select array_agg(j.id), coalesce(bool_or(j.status = 'processing'), false)
    into v_ids, v_was_running
    from (
      select id, status from app.jobs
       where account_id = p_account and (p_job is null or id = p_job)
         and status in ('pending', 'processing')
       order by id limit p_most for update) j;
  if v_ids is null then
    return;
  end if;
  return query
    with before as (
      select id, reserved_minutes as held from app.jobs where id = any (v_ids)
    ),
    canceled as (
      update app.jobs j
         set status = 'canceled', error_message = p_message, updated_at = now(),
             reserved_minutes = 0, billable_minutes = 0
        from before b where j.id = b.id
      returning j.*
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select c.account_id, c.id, c.period, 'release', b.held from canceled c join before b using (id)
    ),
    usage as (
      update app.usage u set reserved_minutes = u.reserved_minutes - released.minutes
        from (select c.account_id, c.period, sum(b.held) as minutes
                from canceled c join before b using (id) group by 1, 2) released
       where u.account_id = released.account_id and u.period = released.period
    ),
    event as (
      insert into app.job_events (job_id, kind) select id, 'canceled' from canceled
    )
    select * from canceled;
  if v_was_running then
    perform app.send_ticket_of_waiting(p_account);
  end if;
end
$$;
revoke all on function app.cancel_jobs from public;

-- A create that was authenticated before its account was suspended may commit after the suspension
-- canceled the account's jobs. Its job is canceled in its own transaction.
create function app.cancel_job_of_suspended() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select from app.accounts a
              where a.id = new.account_id and a.suspended_at is not null) then
    perform app.cancel_jobs(new.account_id, new.id, 'The account was suspended.', 1);
  end if;
  return null;
end
$$;
revoke all on function app.cancel_job_of_suspended() from public;
create trigger cancel_job_of_suspended after insert on app.jobs
  for each row when (new.status = 'pending') execute function app.cancel_job_of_suspended();

-- Adds counts that a process kept in memory: an array of {name, labels, value}.
create function app.add_counts(p_counts jsonb) returns void
language sql set search_path = '' as $$
  insert into app.counters as c (name, labels, value)
  select e ->> 'name', e -> 'labels', sum((e ->> 'value')::numeric)
    from jsonb_array_elements(p_counts) e group by 1, 2 order by 1, 2
  on conflict (name, labels) do update set value = c.value + excluded.value
$$;
revoke all on function app.add_counts from public;

-- As before (migration 11), and from the events of jobs: attempts, failures by category and reason,
-- and attempts that began because the worker before fell silent.
create or replace function app.count_up(p_batch integer, p_settled interval) returns boolean
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
      -- A worker that gives its job back says so with an event; one that falls silent does not.
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
