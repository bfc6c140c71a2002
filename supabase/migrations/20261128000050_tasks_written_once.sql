-- The one way to queue a task, so that a statement can queue it together with what it is about.
-- lib/outbox/tasks.py describes tasks.

-- True if the task was queued; false if its key was taken before.
create function app.add_task(
  p_kind text, p_key text, p_account uuid, p_payload jsonb, p_due timestamptz default now()
) returns boolean
language plpgsql set search_path = '' as $$
begin
  insert into app.tasks (kind, key, account_id, payload, due_at)
  values (p_kind, p_key, p_account, p_payload, p_due)
  on conflict (key) do nothing;
  return found;
end
$$;
revoke all on function app.add_task from public;

-- Lets a task that fails or was given up be tried again at once. No row if there is no such task;
-- `retried` is false if it has not failed. A mail that may have left already is sent again.
create function app.retry_task(p_id uuid) returns table (
  id uuid, kind text, account_id uuid, retried boolean
)
language sql set search_path = '' as $$
  with before as (
    select t.id, t.kind, t.account_id, t.error from app.tasks t where t.id = p_id for update
  ),
  again as (
    update app.tasks t
       set ended_at = null, error = null, failures = 0, due_at = now(),
           payload = t.payload - 'may_have_left'
      from before b where t.id = b.id and b.error is not null
    returning t.id
  )
  select b.id, b.kind, b.account_id, exists (select from again) from before b
$$;
revoke all on function app.retry_task from public;
