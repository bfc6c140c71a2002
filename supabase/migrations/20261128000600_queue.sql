-- The queue, and the functions that create, claim and cancel jobs. lib/jobs/queue.py says what tickets
-- are; lib/jobs/transitions/ calls the functions.

-- Hosted Supabase has pgmq as an extension. Creating its schema first makes us its owner, so that
-- its functions may create tables there; the schema may also be left from an extension that was
-- switched off. Where there is no such extension, `make up` installs the same SQL before the
-- migrations.
do $$
begin
  if exists (select from pg_available_extensions where name = 'pgmq') then
    create schema if not exists pgmq;
    create extension if not exists pgmq with schema pgmq;
  end if;
end
$$;
select pgmq.create('jobs');

-- The virtual time of the queue: the turn of the last job started.
create table app.queue_clock (
  one boolean primary key default true check (one),
  turn bigint not null default 0
);
alter table app.queue_clock enable row level security;
insert into app.queue_clock default values;

-- A worker's hold on a part of a job. Each job has one part, 0, for now.
--
-- A lease stays while its part may still be worked on: one that has run out belongs to the next
-- worker. It is deleted when the job ends, or, if the job ended without its worker, when what the
-- worker left behind is deleted. Whoever locks a lease locks its job before, so that two that need
-- both never wait for each other.
create table app.leases (
  job_id uuid not null references app.jobs (id) on delete cascade,
  part integer not null,
  -- Guards what the holder writes: a later attempt at the part has a greater one.
  attempt integer not null,
  -- The queue's message; its visibility timeout is the lease, and brings the part back.
  ticket bigint not null unique,
  -- When the lease runs out unless the worker renews it: a poll of the job then wakes another worker.
  lease_until timestamptz not null,
  primary key (job_id, part)
);
alter table app.leases enable row level security;

-- Whether a worker let its lease of the job run out. A function, so that polls of jobs that don't run
-- plan nothing of it (lib/jobs/read.py).
create function app.lease_ran_out(p_job uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from app.leases l where l.job_id = p_job and l.lease_until < now());
end
$$;
revoke all on function app.lease_ran_out from public;

-- Create --------------------------------------------------------------------------------------------

-- Seconds until an account's failures of the last hour leave room for another job; null when they
-- do now.
create function app.seconds_to_wait(p_account uuid) returns integer
language sql stable set search_path = '' as $$
  select greatest(1, ceil(3600 - extract(epoch from now() - f.updated_at)))::integer
    from app.accounts a join app.plans p on p.id = a.plan_id,
         lateral (
           select j.updated_at from app.jobs j
            where j.account_id = a.id and j.status = 'failed'
              and j.error_category in (
                'validation', 'processing_limit', 'file_size', 'upload', 'processing')
              and j.updated_at > now() - interval '1 hour'
            order by j.updated_at desc offset p.max_failures_per_hour - 1 limit 1) f
   where a.id = p_account and p.max_failures_per_hour is not null
$$;
revoke all on function app.seconds_to_wait from public;

-- Accepts a job: reserves its minutes, stores it, sends its ticket; all or nothing. Nothing is
-- stored, and the status is `limited`, while too many of the account's jobs fail.
--
-- A function, since the transaction pooler keeps no prepared statements and planning this took a
-- third of the response's time: the plans of functions are kept.
--
-- The reservation passes only when the month's minutes suffice; its row lock makes parallel creates
-- wait for each other, so that they never overspend. A job that does not pass is stored as failed.
-- `turn` is the account's next place in the fair order, never before the turn being served now.
create function app.create_job(
  p_id uuid,
  p_account uuid,
  p_limit integer,
  p_minutes numeric,
  p_known boolean,
  p_seconds float8,
  p_request jsonb,
  p_format text,
  p_inputs jsonb,
  p_metadata jsonb,
  p_lane text
) returns table (id uuid, status text, message bigint, retry_after integer)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  wait integer := app.seconds_to_wait(p_account);
begin
  if wait is not null then
    return query select p_id, 'limited', null::bigint, wait;
    return;
  end if;
  return query
    with month as (
      select date_trunc('month', now() at time zone 'utc')::date as period
    ),
    reserved as (
      insert into app.usage as u (account_id, period, reserved_minutes)
      select p_account, m.period, p_minutes
        from month m
       where p_minutes <= p_limit + coalesce((
               select g.granted_minutes from app.usage g
                where g.account_id = p_account and g.period = m.period), 0)
      on conflict (account_id, period) do update
        set reserved_minutes = u.reserved_minutes + excluded.reserved_minutes
        where u.used_minutes + u.reserved_minutes + excluded.reserved_minutes
                <= p_limit + u.granted_minutes
          and (p_known or u.used_minutes + u.reserved_minutes < p_limit + u.granted_minutes)
      returning period
    ),
    place as (
      update app.accounts
         set jobs_total = jobs_total + 1,
             last_turn = case when r.passed
               then greatest(last_turn + 1, (select c.turn from app.queue_clock c))
               else last_turn end
        from (select exists (select from reserved) as passed) r
       where id = p_account
      returning case when r.passed then last_turn end as turn
    ),
    job as (
      insert into app.jobs (id, account_id, status, request, output_format, inputs, metadata, lane,
        period, reserved_minutes, duration_seconds, turn, queue_position,
        error_message, error_category)
      select p_id, p_account,
             case when p.turn is null then 'failed' else 'pending' end,
             p_request, p_format, p_inputs, p_metadata, p_lane,
             m.period,
             case when p.turn is null then 0 else p_minutes end,
             p_seconds,
             coalesce(p.turn, 0),
             case when p.turn is null then null else (
               select 1 + count(*) from (
                 select from app.jobs q where q.status = 'pending' and q.turn <= p.turn
                  limit 1000) ahead) end,
             case when p.turn is null
               then 'Quota exceeded: Video Processing Minutes.' end,
             case when p.turn is null then 'quota' else 'unknown' end
        from place p, month m
      returning id, status, reserved_minutes, period
    ),
    event as (
      insert into app.job_events (job_id, account_id, kind)
      select id, p_account, case status when 'failed' then 'failed' else 'created' end from job
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select p_account, id, period, 'reserve', reserved_minutes from job where status = 'pending'
    ),
    -- An account that is refused close to its limit gets the mail, though not everything is used.
    warned as materialized (
      select app.warn_of_quota(p_account, u.period, u.used_minutes, p_limit + u.granted_minutes, 100)
        from job j join app.usage u on u.account_id = p_account and u.period = j.period
       where j.status = 'failed'
         and u.used_minutes + u.reserved_minutes >= 0.8 * (p_limit + u.granted_minutes)
    )
    select id, status,
           case when status = 'pending'
             then (select pgmq.send('jobs', '{}')) end as message,
           null::integer
      from job, (select count(*) from warned) w;
end
$$;
revoke all on function app.create_job from public;

-- Claim ---------------------------------------------------------------------------------------------

-- Sends a further ticket when one of the account's jobs ends while others of it wait: their own
-- tickets may rest. app.claim_job drops surplus tickets once no job can be taken.
create function app.send_ticket_of_waiting(p_account uuid) returns bigint
language sql set search_path = '' as $$
  select pgmq.send('jobs', '{"waited": true}')
   where exists (
     select from app.jobs j where j.account_id = p_account and j.status = 'pending')
$$;
revoke all on function app.send_ticket_of_waiting from public;

-- Takes a ticket and the job it is for (lib/jobs/queue.py says what tickets are).
--
-- Returns one row for a job taken (id), a job that has ended without its worker (ended_id), or a
-- ticket that is of no use now (neither: try again); none when there is no ticket.
--
-- * Jobs of suspended and closed accounts are not started.
-- * Jobs of the accounts `p_skip` are left to other workers: this one already waits for the sources
--   of as many of their jobs as it may. Their tickets don't rest for it. No row then.
--
-- A function, so that each step sees what was committed before it. Jobs are taken one at a time
-- (the clock's row is locked), since two at once might both be an account's last allowed one.
create function app.claim_job(p_lease integer, p_skip uuid[] default '{}') returns table (
  ticket bigint, id uuid, part integer, account_id uuid, attempt integer, request jsonb, inputs jsonb,
  reserved_minutes numeric, max_input_bytes bigint, max_output_bytes bigint,
  max_job_seconds integer, minutes_per_month integer, plan_name text,
  ended_id uuid, ended_account uuid)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t bigint;
  -- The job whose lease has this ticket, and its row once it is locked.
  leased uuid;
  bound app.jobs;
  taken uuid;
  ended uuid;
  waiting bigint;
  surplus bigint;
  skipped boolean;
  -- Accounts that run as many jobs as their plan allows.
  resting uuid[];
begin
  select msg_id into t from pgmq.read('jobs', p_lease, 1);
  if t is null then
    return;
  end if;
  select l.job_id into leased from app.leases l where l.ticket = t;
  if leased is not null then
    select j.* into bound from app.jobs j join app.leases l on l.job_id = j.id
     where l.ticket = t for update skip locked;
    if bound.id is null then
      perform pgmq.set_vt('jobs', t, 1);  -- another transaction is just ending its job
    elsif bound.status <> 'processing' then
      ended := bound.id;
    elsif exists (select from app.accounts a where a.id = bound.account_id
                     and (a.suspended_at is not null or a.closed_at is not null)) then
      perform pgmq.set_vt('jobs', t, 30);
    else
      taken := bound.id;
    end if;
  else
    perform from app.queue_clock for update;
    resting := array(
      select r.account_id from app.jobs r
        join app.accounts a on a.id = r.account_id join app.plans p on p.id = a.plan_id
       where r.status = 'processing'
       group by r.account_id, p.jobs_at_once having count(*) >= p.jobs_at_once);
    select j.id into taken from app.jobs j
     where j.status = 'pending'
       and j.account_id <> all (p_skip || resting)
       and not exists (
             select from app.accounts a
              where a.id = j.account_id
                and (a.suspended_at is not null or a.closed_at is not null))
     order by j.turn, j.created_at, j.id
     limit 1 for update skip locked;
    if taken is null then
      select exists (
        select from app.jobs j
         where j.status = 'pending' and j.account_id = any (p_skip)
           and j.account_id <> all (resting)) into skipped;
      if skipped then
        -- Only this worker leaves them out: the ticket is for the next one.
        perform pgmq.set_vt('jobs', t, 0);
        return;
      end if;
      -- Jobs that wait for their own account send a ticket when one of its jobs ends. Their tickets
      -- rest until then; those beyond one for each waiting job are archived.
      select count(*) into waiting from app.jobs j where j.status = 'pending';
      select m.queue_length - (select count(*) from app.leases) - waiting
        into surplus from pgmq.metrics('jobs') m;
      perform case when read.bound then (select count(*) from pgmq.set_vt('jobs', read.msg_id, 0))
                   when read.place <= surplus then (select count(*) from (
                     select pgmq.archive('jobs', read.msg_id)) archived)
                   else (select count(*) from pgmq.set_vt('jobs', read.msg_id, 30)) end
         from (select f.msg_id, b.bound, row_number() over (partition by b.bound) as place
                 from (select t as msg_id union all
                       select r.msg_id from pgmq.read('jobs', 30, 200) r) f,
                      lateral (select exists (
                        select from app.leases l where l.ticket = f.msg_id) as bound) b) read;
    end if;
  end if;
  return query
    with claimed as (
      update app.jobs j
         set status = 'processing', attempt = j.attempt + 1,
             started_at = coalesce(j.started_at, now()), updated_at = now(), progress = null
       where j.id = taken
      returning j.*
    ),
    lease as (
      insert into app.leases (job_id, part, attempt, ticket, lease_until)
      select id, 0, attempt, t, now() + make_interval(secs => p_lease) from claimed
      on conflict (job_id, part) do update
        set attempt = excluded.attempt, ticket = excluded.ticket,
            lease_until = excluded.lease_until
    ),
    clock as (
      update app.queue_clock q set turn = greatest(q.turn, c.turn) from claimed c
    ),
    event as (
      insert into app.job_events (job_id, account_id, kind, detail)
      select id, account_id, 'started', jsonb_build_object('attempt', attempt) from claimed
    )
    select t, c.id, 0, c.account_id, c.attempt, c.request, c.inputs, c.reserved_minutes,
           p.max_input_bytes, p.max_output_bytes, p.max_job_seconds, p.minutes_per_month, p.name,
           ended, case when ended is not null then bound.account_id end
      from (select) one
      left join claimed c on true
      left join app.accounts a on a.id = c.account_id
      left join app.plans p on p.id = a.plan_id;
end
$$;
revoke all on function app.claim_job(integer, uuid[]) from public;

-- Cancel --------------------------------------------------------------------------------------------

-- Cancels an account's jobs that have not ended, at most `p_most`, or the one job `p_job`. Nothing is
-- charged. Returns the jobs that it canceled.
--
-- Leases and queue messages are left alone: a worker that reads one finds that the job has ended, and
-- a running ffmpeg stops with its worker's next beat. Jobs are locked before the month's usage, as in the
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
      insert into app.job_events (job_id, account_id, kind)
      select id, account_id, 'canceled' from canceled
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
