-- Whoever asks for the jobs that changed since the last one it saw must miss none. now() is when a
-- transaction begins: one that commits late would show a change that is older than others already
-- seen. So `updated_at` is set again as the last step of the transaction, by transactions of one
-- account in turn: what becomes visible later has a later `updated_at`. Changes of one transaction
-- become visible together and share theirs.
--
-- It applies where a statement sets `updated_at` to now(). The lock is taken when nothing else is
-- waited for any more, so it can't be part of a deadlock with the locks of rows.
create function app.stamp_change() returns trigger
language plpgsql set search_path = '' as $$
declare
  v_known text := current_setting('app.job_change', true);
  v_stamp timestamptz(3);
begin
  if split_part(v_known, ' ', 1) = new.account_id::text then
    v_stamp := to_timestamp(split_part(v_known, ' ', 2)::bigint / 1000.0);
  else
    perform pg_advisory_xact_lock(hashtextextended('app.job_change:' || new.account_id, 0));
    select greatest(date_trunc('milliseconds', clock_timestamp()),
                    max(j.updated_at) + interval '1 millisecond')
      into v_stamp from app.jobs j where j.account_id = new.account_id;
    perform set_config('app.job_change', format('%s %s', new.account_id,
              round(extract(epoch from v_stamp) * 1000)::bigint), true);
  end if;
  update app.jobs set updated_at = v_stamp where id = new.id and updated_at <> v_stamp;
  return null;
end
$$;
revoke all on function app.stamp_change from public;

create constraint trigger stamp_change after insert or update of updated_at on app.jobs
  deferrable initially deferred for each row
  when (new.updated_at = now()::timestamptz(3)) execute function app.stamp_change();
