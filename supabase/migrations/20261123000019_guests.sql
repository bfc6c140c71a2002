-- Visitors who try the service without an account of a person: a small plan, for an hour.

insert into app.plans (id, name, price_cents, minutes_per_month, max_input_bytes, jobs_at_once,
                       requests_per_minute, max_job_seconds, max_output_bytes, offered)
values ('try', 'Trial', 0, 3, 26214400, 1, 120, 60, 104857600, false);

alter table app.plans
  -- Uploads of an account in all, none of them larger than an input may be; null for any number.
  add column max_uploads integer check (max_uploads > 0);
update app.plans set max_uploads = 5 where id = 'try';

-- Who came, for a day: longer than their accounts, so that their number can be limited.
create table app.guests (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  network text not null,
  account_id uuid references app.accounts (id) on delete set null
);
create index guests_network on app.guests (network, created_at);
create index guests_created on app.guests (created_at);
create index guests_account on app.guests (account_id) where account_id is not null;
alter table app.guests enable row level security;

-- Opens an account for a visitor, with a key. Nothing is opened past the limits, of which a row
-- tells the first: `network` (so many a day of an address) or `all` (of all addresses).
create function app.open_guest(
  p_network text, p_most integer, p_most_in_all integer, p_seconds integer,
  p_hash bytea, p_starts_with text
) returns table (account_id uuid, expires_at timestamptz, beyond text)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
begin
  perform pg_advisory_xact_lock(hashtext('app.open_guest'));
  if (select count(*) from app.guests g where g.network = p_network
         and g.created_at > now() - interval '1 day') >= p_most then
    return query select null::uuid, null::timestamptz, 'network';
    return;
  end if;
  if (select count(*) from app.guests g where g.created_at > now() - interval '1 day')
      >= p_most_in_all then
    return query select null::uuid, null::timestamptz, 'all';
    return;
  end if;
  return query
    with opened as (
      insert into app.accounts (id, plan_id, inputs_kept_seconds, outputs_kept_seconds)
      values (gen_random_uuid(), 'try', p_seconds, p_seconds)
      returning id
    ),
    noted as (
      insert into app.guests (network, account_id) select p_network, id from opened
    ),
    keyed as (
      insert into app.api_keys (account_id, hash, starts_with, label, expires_at)
      select id, p_hash, p_starts_with, 'visitor', now() + make_interval(secs => p_seconds)
        from opened
      returning account_id, expires_at
    )
    select account_id, expires_at, null from keyed;
end
$$;
revoke all on function app.open_guest from public;
