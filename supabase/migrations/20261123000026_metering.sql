-- Bounds by plan: uploads by number and bytes, failures an hour. A probe is bound to the object it
-- looked into.

alter table app.plans
  -- Bytes of all uploads together that are not deleted; null for any number.
  add column max_upload_bytes bigint check (max_upload_bytes > 0),
  -- Jobs an hour that may fail for a reason the caller can remove; null for any number.
  add column max_failures_per_hour integer check (max_failures_per_hour > 0);
update app.plans set max_uploads = 5, max_upload_bytes = 131072000, max_failures_per_hour = 10
 where id = 'try';
update app.plans set max_uploads = 50, max_upload_bytes = 1073741824, max_failures_per_hour = 30
 where id = 'free';
update app.plans set max_uploads = 500, max_upload_bytes = 21474836480 where id = 'starter';
update app.plans set max_uploads = 2000, max_upload_bytes = 107374182400 where id = 'pro';

-- Storage's version of the object that `probe` and `size_bytes` tell of.
alter table app.uploads add column version text;

create index uploads_kept on app.uploads (account_id) where deleted_at is null;
create index uploads_unconfirmed on app.uploads (created_at)
  where confirmed_at is null and deleted_at is null;
create index uploads_deleted on app.uploads (deleted_at) where deleted_at is not null;
create index jobs_failed on app.jobs (account_id, updated_at)
  where status = 'failed'
    and error_category in ('validation', 'processing_limit', 'file_size', 'upload', 'processing');

-- Types that browsers and tools name for what the service reads.
update storage.buckets
   set allowed_mime_types = allowed_mime_types || array[
     'video/x-matroska', 'video/matroska', 'video/mpeg', 'video/3gpp', 'video/3gpp2', 'video/mp2t',
     'video/x-m4v', 'video/x-flv', 'video/x-ms-wmv', 'video/ogg',
     'audio/x-wav', 'audio/wave', 'audio/vnd.wave', 'audio/mp3', 'audio/x-m4a', 'audio/m4a',
     'audio/webm', 'audio/x-flac', 'audio/x-aac', 'audio/x-aiff', 'audio/aiff', 'audio/amr',
     'audio/x-caf', 'application/ogg',
     'image/jpg', 'image/heic', 'image/heif', 'image/avif', 'image/tiff', 'image/bmp', 'image/apng',
     'text/plain']
 where id = 'uploads';

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

-- As before, and with nothing stored, status `limited`, while the account's jobs failed too often.
drop function app.create_job;
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
             then (select pgmq.send('jobs', '{}')) end as message,
           null::integer
      from job, (select count(*) from warned) w;
end
$$;
revoke all on function app.create_job from public;

-- Records an upload that a link is about to be given for, within the plan's bounds: `beyond` names
-- the one it would pass (`number`, `bytes`), with nothing recorded; null for none. No row for an
-- account that is gone. The account's row is locked, so that links asked for at once wait for each
-- other.
create function app.record_upload(
  p_account uuid, p_object text, p_filename text, p_type text, p_bytes bigint, p_hours integer
) returns table (beyond text, most bigint)
language plpgsql set search_path = '' as $$
declare
  bounds record;
  kept record;
begin
  select p.max_uploads, p.max_upload_bytes, a.guest_until is not null as guest into bounds
    from app.accounts a join app.plans p on p.id = a.plan_id
   where a.id = p_account for no key update of a;
  if not found then
    return;
  end if;
  -- A visitor's deleted uploads count as well.
  select count(*) as number,
         coalesce(sum(greatest(u.declared_bytes, u.size_bytes)), 0) as bytes into kept
    from app.uploads u
   where u.account_id = p_account and (u.deleted_at is null or bounds.guest);
  if kept.number >= bounds.max_uploads then
    return query select 'number', bounds.max_uploads::bigint;
  elsif kept.bytes + p_bytes > bounds.max_upload_bytes then
    return query select 'bytes', bounds.max_upload_bytes;
  else
    insert into app.uploads
      (account_id, object_name, filename, content_type, declared_bytes, expires_at)
    values (p_account, p_object, p_filename, p_type, p_bytes,
            now() + make_interval(hours => p_hours));
    return query select null::text, null::bigint;
  end if;
end
$$;
revoke all on function app.record_upload from public;
