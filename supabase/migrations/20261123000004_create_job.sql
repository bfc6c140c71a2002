-- How many jobs the account ever had: the total of an unfiltered list costs the same at a million.
alter table app.accounts add column jobs_total bigint not null default 0;
update app.accounts a
   set jobs_total = (select count(*) from app.jobs j where j.account_id = a.id);

-- Accepts a job: reserves its minutes, stores it, sends its message; all or nothing.
--
-- A function, since the transaction pooler keeps no prepared statements and planning this took a
-- third of the answer's time: the plans of functions are kept. Called by lib/jobs/create.py.
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
) returns table (id uuid, status text, message bigint)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
    with reserved as (
      insert into app.usage as u (account_id, period, reserved_minutes)
      select p_account, date_trunc('month', now() at time zone 'utc')::date, p_minutes
       where p_minutes <= p_limit
      on conflict (account_id, period) do update
        set reserved_minutes = u.reserved_minutes + excluded.reserved_minutes
        where u.used_minutes + u.reserved_minutes + excluded.reserved_minutes <= p_limit
          and (p_known or u.used_minutes + u.reserved_minutes < p_limit)
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
             date_trunc('month', now() at time zone 'utc')::date,
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
        from place p
      returning id, status, reserved_minutes, period
    ),
    event as (
      insert into app.job_events (job_id, kind)
      select id, case status when 'failed' then 'failed' else 'created' end from job
    ),
    ledger as (
      insert into app.usage_ledger (account_id, job_id, period, kind, minutes)
      select p_account, id, period, 'reserve', reserved_minutes from job where status = 'pending'
    )
    select id, status,
           case when status = 'pending'
             then (select pgmq.send('jobs', jsonb_build_object('job_id', id))) end as message
      from job;
end
$$;
revoke all on function app.create_job from public;
