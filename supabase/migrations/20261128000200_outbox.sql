-- Tasks: mails, exports, erasures and sweeps, done after the response. lib/outbox/tasks.py describes
-- them; app.add_task and that module are the only writers.
create table app.tasks (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  -- A key is used once, ever: one warning a month, one erasure an account.
  key text unique,
  -- Without a foreign key: an erasure outlives its account.
  account_id uuid,
  -- Personal data is removed from it when the task ends.
  payload jsonb not null default '{}',
  created_at timestamptz not null default now(),
  -- While somebody works on the task, the end of the lease.
  due_at timestamptz not null default now(),
  -- Guards what a holder writes, as a job's attempt does.
  attempt integer not null default 0,
  failures integer not null default 0,
  ended_at timestamptz,
  -- Of the last try that failed; of a task that has ended: why it was given up.
  error text
);
create index tasks_due on app.tasks (due_at) where ended_at is null;
create index tasks_account on app.tasks (account_id) where account_id is not null;
create index tasks_ended on app.tasks (ended_at) where ended_at is not null;
alter table app.tasks enable row level security;

-- Queues a task: the one way, so that a statement can queue it together with what it is about.
-- True if the task was queued; false if its key was used before.
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
