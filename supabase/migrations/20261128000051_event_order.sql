-- Events of jobs can be followed in order: each has its account, a snapshot of its job as the
-- transition left it, and a cursor. Whoever reads an account's events after the last cursor it saw
-- misses none: cursors are given as the last step of a transaction, by transactions of one account
-- in turn (as app.stamp_change does, with the same lock), so an event that becomes visible later
-- has a greater cursor. lib/jobs/transitions.py lists the transitions.

create sequence app.event_cursor;
alter table app.job_events
  add column account_id uuid references app.accounts (id) on delete cascade,
  -- Null only inside the transaction that adds the event, and in no committed row.
  add column cursor bigint,
  -- Null in events from before this migration.
  add column payload jsonb;
update app.job_events e set account_id = j.account_id, cursor = e.id
  from app.jobs j where j.id = e.job_id;
select setval('app.event_cursor', (select coalesce(max(id), 1) from app.job_events));
alter table app.job_events alter column account_id set not null;
create unique index job_events_cursor on app.job_events (account_id, cursor);

-- The job as its events have it: what a transition can change. The request, the inputs and the
-- metadata stand in the job, and only there: an input's address may hold a signature.
create function app.event_payload(j app.jobs) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'id', j.id, 'job_type', j.job_type, 'status', j.status, 'output_format', j.output_format,
    'outputs', j.outputs, 'lane', j.lane, 'attempt', j.attempt, 'progress', j.progress,
    'reserved_minutes', j.reserved_minutes, 'billable_minutes', j.billable_minutes,
    'duration_seconds', j.duration_seconds, 'processing_seconds', j.processing_seconds,
    'error_category', j.error_category, 'error_message', j.error_message,
    'created_at', j.created_at, 'updated_at', j.updated_at, 'started_at', j.started_at,
    'completed_at', j.completed_at, 'files_expire_at', j.files_expire_at)
$$;
revoke all on function app.event_payload from public;

create function app.name_account_of_event() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.account_id := (select j.account_id from app.jobs j where j.id = new.job_id);
  return new;
end
$$;
revoke all on function app.name_account_of_event from public;
create trigger name_account before insert on app.job_events
  for each row when (new.account_id is null) execute function app.name_account_of_event();

-- Runs after app.stamp_change, whose change of the job comes first, so that the payload has the
-- job's final `updated_at`.
create function app.place_event() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('app.job_change:' || new.account_id, 0));
  update app.job_events e
     set cursor = nextval('app.event_cursor'), payload = app.event_payload(j)
    from app.jobs j where e.id = new.id and j.id = e.job_id;
  return null;
end
$$;
revoke all on function app.place_event from public;
create constraint trigger place_event after insert on app.job_events
  deferrable initially deferred for each row execute function app.place_event();
