-- Granted minutes count, warnings are queued, and an account runs no more jobs than its plan allows.

create index jobs_processing on app.jobs (account_id) where status = 'processing';

create or replace function app.create_job(
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
) returns table (id uuid, status text, message bigint)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
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
      insert into app.job_events (job_id, kind)
      select id, case status when 'failed' then 'failed' else 'created' end from job
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select p_account, id, period, 'reserve', reserved_minutes from job where status = 'pending'
    ),
    -- Who is near the wall and runs into it is told, though not all is used.
    warned as materialized (
      select app.warn_of_quota(p_account, u.period, u.used_minutes, p_limit + u.granted_minutes, 100)
        from job j join app.usage u on u.account_id = p_account and u.period = j.period
       where j.status = 'failed'
         and u.used_minutes + u.reserved_minutes >= 0.8 * (p_limit + u.granted_minutes)
    )
    select id, status,
           case when status = 'pending'
             then (select pgmq.send('jobs', '{}')) end as message
      from job, (select count(*) from warned) w;
end
$$;

-- Queues the mail `quota_80` or `quota_100`, once for an account and month.
create function app.warn_of_quota(
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
  on conflict (key) do nothing
$$;
revoke all on function app.warn_of_quota from public;

-- In the transaction that changes the usage, whichever it is.
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

-- Takes a ticket and the job it is for. Called by lib/jobs/queue.py, which says what tickets are.
--
-- One row for a job taken (id), a job that has ended without its worker (ended_id), or a ticket of
-- no use now (neither: look again); none when no ticket is there.
--
-- A function, so that each step sees what was committed before it. Jobs are taken one at a time
-- (the clock's row is locked), since two at once might both be an account's last allowed one.
create function app.claim_job(p_lease integer) returns table (
  ticket bigint, id uuid, account_id uuid, attempt integer, request jsonb, inputs jsonb,
  reserved_minutes numeric, max_input_bytes bigint, max_output_bytes bigint,
  max_job_seconds integer, minutes_per_month integer, plan_name text,
  ended_id uuid, ended_account uuid)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  t bigint;
  bound app.jobs;
  taken uuid;
  waiting bigint;
  surplus bigint;
begin
  select msg_id into t from pgmq.read('jobs', p_lease, 1);
  if t is null then
    return;
  end if;
  select * into bound from app.jobs j where j.message_id = t for update skip locked;
  if bound.id is not null and bound.status <> 'processing' then
    return query select t, null::uuid, null::uuid, null::integer, null::jsonb, null::jsonb,
      null::numeric, null::bigint, null::bigint, null::integer, null::integer, null::text,
      bound.id, bound.account_id;
    return;
  end if;
  taken := bound.id;
  if taken is null and exists (select from app.jobs j where j.message_id = t) then
    perform pgmq.set_vt('jobs', t, 1);  -- its job is being ended just now
  elsif taken is null then
    perform from app.queue_clock for update;
    select j.id into taken from app.jobs j
     where j.status = 'pending'
       and j.account_id <> all (array(
             select r.account_id from app.jobs r
               join app.accounts a on a.id = r.account_id join app.plans p on p.id = a.plan_id
              where r.status = 'processing'
              group by r.account_id, p.jobs_at_once having count(*) >= p.jobs_at_once))
     order by j.turn, j.created_at, j.id
     limit 1 for update skip locked;
    if taken is null then
      -- Jobs that wait for their own account send a ticket when one of its jobs ends. Theirs rest
      -- meanwhile, and those beyond one for each waiting job go.
      select count(*) into waiting from app.jobs j where j.status = 'pending';
      select m.queue_length - (select count(*) from app.jobs j where j.message_id is not null)
               - waiting
        into surplus from pgmq.metrics('jobs') m;
      perform case when read.bound then (select count(*) from pgmq.set_vt('jobs', read.msg_id, 0))
                   when read.place <= surplus then (select count(*) from (
                     select pgmq.archive('jobs', read.msg_id)) archived)
                   else (select count(*) from pgmq.set_vt('jobs', read.msg_id, 30)) end
         from (select f.msg_id, b.bound, row_number() over (partition by b.bound) as place
                 from (select t as msg_id union all
                       select r.msg_id from pgmq.read('jobs', 30, 200) r) f,
                      lateral (select exists (
                        select from app.jobs j where j.message_id = f.msg_id) as bound) b) read;
    end if;
  end if;
  return query
    with claimed as (
      update app.jobs j
         set status = 'processing', attempt = j.attempt + 1, message_id = t,
             started_at = coalesce(j.started_at, now()), updated_at = now(), progress = null
       where j.id = taken
      returning j.*
    ),
    clock as (
      update app.queue_clock q set turn = greatest(q.turn, c.turn) from claimed c
    ),
    event as (
      insert into app.job_events (job_id, kind, detail)
      select id, 'started', jsonb_build_object('attempt', attempt) from claimed
    )
    select t, c.id, c.account_id, c.attempt, c.request, c.inputs, c.reserved_minutes,
           p.max_input_bytes, p.max_output_bytes, p.max_job_seconds, p.minutes_per_month, p.name,
           null::uuid, null::uuid
      from (select) one
      left join claimed c on true
      left join app.accounts a on a.id = c.account_id
      left join app.plans p on p.id = a.plan_id;
end
$$;
revoke all on function app.claim_job from public;

-- A further ticket where jobs wait for their own account, one of whose jobs ends now: their own
-- tickets may rest. What is too many is dropped above, once no job can be taken.
create function app.send_ticket_of_waiting(p_account uuid) returns bigint
language sql set search_path = '' as $$
  select pgmq.send('jobs', '{"waited": true}')
   where exists (
     select from app.jobs j where j.account_id = p_account and j.status = 'pending')
$$;
revoke all on function app.send_ticket_of_waiting from public;

-- The ledger goes with its account and is otherwise never changed.
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
