-- Leases that can be seen to have run out, and workers that leave out accounts.

-- When the lease of a running job ends, unless its worker renews it: a poll of the job then wakes
-- another worker.
alter table app.jobs add column lease_until timestamptz;

-- As before (see 20261123000012), and:
-- * jobs of suspended and closed accounts are not started;
-- * jobs of the accounts `p_skip` are left to other workers: this one already waits for the sources
--   of as many of their jobs as it may. Their tickets don't rest for it. No row then.
drop function app.claim_job(integer);
create function app.claim_job(p_lease integer, p_skip uuid[] default '{}') returns table (
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
  skipped boolean;
  -- Accounts that run as many jobs as their plan allows.
  resting uuid[];
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
  if bound.id is not null and exists (
       select from app.accounts a where a.id = bound.account_id
          and (a.suspended_at is not null or a.closed_at is not null)) then
    perform pgmq.set_vt('jobs', t, 30);
    return query select t, null::uuid, null::uuid, null::integer, null::jsonb, null::jsonb,
      null::numeric, null::bigint, null::bigint, null::integer, null::integer, null::text,
      null::uuid, null::uuid;
    return;
  end if;
  taken := bound.id;
  if taken is null and exists (select from app.jobs j where j.message_id = t) then
    perform pgmq.set_vt('jobs', t, 1);  -- its job is being ended just now
  elsif taken is null then
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
             started_at = coalesce(j.started_at, now()), updated_at = now(), progress = null,
             lease_until = now() + make_interval(secs => p_lease)
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
revoke all on function app.claim_job(integer, uuid[]) from public;
