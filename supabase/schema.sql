-- Made by `make schema` from a database with all of supabase/migrations applied: each object once,
-- by room, as it is now. For reading only. The migrations say why, and are what you change.

-- accounts ----------------------------------------------------------------------------------------

create table app.accounts (
  id uuid not null,
  email text,
  name text,
  plan_id text default 'free'::text not null,
  created_at timestamp with time zone default now() not null,
  over_13_at timestamp with time zone,
  suspended_at timestamp with time zone,
  suspended_for text,
  closed_at timestamp with time zone,
  sessions_ended_at timestamp with time zone,
  guest_until timestamp with time zone,
  last_turn bigint default 0 not null,
  jobs_total bigint default 0 not null,
  inputs_kept_seconds integer,
  outputs_kept_seconds integer,
  constraint accounts_inputs_kept_seconds_check CHECK ((inputs_kept_seconds >= 0)),
  constraint accounts_outputs_kept_seconds_check CHECK ((outputs_kept_seconds >= 0)),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES app.plans(id)
);
alter table app.accounts enable row level security;
CREATE INDEX accounts_created ON app.accounts USING btree (created_at);
CREATE UNIQUE INDEX accounts_email ON app.accounts USING btree (lower(email));
CREATE INDEX accounts_guests ON app.accounts USING btree (guest_until) WHERE ((guest_until IS NOT NULL) AND (closed_at IS NULL));

create table app.api_keys (
  id uuid default gen_random_uuid() not null,
  account_id uuid not null,
  hash bytea not null,
  starts_with text default ''::text not null,
  label text default ''::text not null,
  scopes text[] default '{jobs,read}'::text[] not null,
  created_at timestamp with time zone default now() not null,
  last_used_at timestamp with time zone,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint api_keys_hash_check CHECK ((length(hash) = 32)),
  constraint api_keys_hash_key UNIQUE (hash),
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_scopes_check CHECK (((scopes <@ '{jobs,read}'::text[]) AND (cardinality(scopes) > 0)))
);
alter table app.api_keys enable row level security;
CREATE INDEX api_keys_account ON app.api_keys USING btree (account_id);
CREATE TRIGGER leave_out_closed BEFORE INSERT ON app.api_keys FOR EACH ROW EXECUTE FUNCTION app.leave_out_closed();

create table app.guests (
  id bigint generated always as identity not null,
  created_at timestamp with time zone default now() not null,
  network text not null,
  wide_network text,
  account_id uuid,
  constraint guests_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE SET NULL,
  constraint guests_pkey PRIMARY KEY (id)
);
alter table app.guests enable row level security;
CREATE INDEX guests_account ON app.guests USING btree (account_id) WHERE (account_id IS NOT NULL);
CREATE INDEX guests_created ON app.guests USING btree (created_at);
CREATE INDEX guests_network ON app.guests USING btree (network, created_at);
CREATE INDEX guests_wide_network ON app.guests USING btree (wide_network, created_at) WHERE (wide_network IS NOT NULL);

create table app.plans (
  id text not null,
  name text not null,
  price_cents integer not null,
  minutes_per_month integer not null,
  max_input_bytes bigint not null,
  jobs_at_once integer not null,
  requests_per_minute integer not null,
  max_job_seconds integer default 600 not null,
  max_output_bytes bigint default 536870912 not null,
  offered boolean default false not null,
  max_uploads integer,
  max_upload_bytes bigint,
  max_failures_per_hour integer,
  constraint plans_jobs_at_once_check CHECK ((jobs_at_once > 0)),
  constraint plans_max_failures_per_hour_check CHECK ((max_failures_per_hour > 0)),
  constraint plans_max_input_bytes_check CHECK ((max_input_bytes > 0)),
  constraint plans_max_job_seconds_check CHECK ((max_job_seconds > 0)),
  constraint plans_max_output_bytes_check CHECK ((max_output_bytes > 0)),
  constraint plans_max_upload_bytes_check CHECK ((max_upload_bytes > 0)),
  constraint plans_max_uploads_check CHECK ((max_uploads > 0)),
  constraint plans_minutes_per_month_check CHECK ((minutes_per_month >= 0)),
  constraint plans_pkey PRIMARY KEY (id),
  constraint plans_price_cents_check CHECK ((price_cents >= 0)),
  constraint plans_requests_per_minute_check CHECK ((requests_per_minute > 0))
);
alter table app.plans enable row level security;

create table app.policies (
  version text not null,
  published_at timestamp with time zone default now() not null,
  summary text not null,
  constraint policies_pkey PRIMARY KEY (version)
);
alter table app.policies enable row level security;

create table app.policy_acceptances (
  account_id uuid not null,
  version text not null,
  accepted_at timestamp with time zone default now() not null,
  constraint policy_acceptances_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint policy_acceptances_pkey PRIMARY KEY (account_id, version),
  constraint policy_acceptances_version_fkey FOREIGN KEY (version) REFERENCES app.policies(version)
);
alter table app.policy_acceptances enable row level security;

create unlogged table app.rate_windows (
  subject text not null,
  started_at timestamp with time zone not null,
  hits integer not null,
  constraint rate_windows_pkey PRIMARY KEY (subject, started_at)
);
alter table app.rate_windows enable row level security;
CREATE INDEX rate_windows_started ON app.rate_windows USING btree (started_at);

create unlogged table app.slow_calls (
  id uuid default gen_random_uuid() not null,
  account_id uuid not null,
  kind text not null,
  until timestamp with time zone not null,
  constraint slow_calls_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint slow_calls_pkey PRIMARY KEY (id)
);
alter table app.slow_calls enable row level security;
CREATE INDEX slow_calls_account ON app.slow_calls USING btree (account_id, kind);

CREATE OR REPLACE FUNCTION app.before_user_created(event jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if coalesce(event #>> '{user,user_metadata,over_13}', '') <> 'true' then
    return jsonb_build_object('error', jsonb_build_object(
      'http_code', 400,
      'message', 'Confirm that you are 13 or older: an account needs over_13: true.'));
  end if;
  return '{}';
end
$function$
;
grant execute on function app.before_user_created(jsonb) to supabase_auth_admin;

CREATE OR REPLACE FUNCTION app.begin_slow_call(p_account uuid, p_kind text, p_limit integer, p_seconds integer)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_id uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('app.slow_calls:' || p_account, 0));
  delete from app.slow_calls where account_id = p_account and until < clock_timestamp();
  insert into app.slow_calls (account_id, kind, until)
  select a.id, p_kind, clock_timestamp() + make_interval(secs => p_seconds)
    from app.accounts a
   where a.id = p_account and p_limit > (
     select count(*) from app.slow_calls c where c.account_id = a.id and c.kind = p_kind)
  returning id into v_id;
  return v_id;
end
$function$
;

CREATE OR REPLACE FUNCTION app.close_account()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.accounts set closed_at = now()
   where id = old.id and closed_at is null;
  return null;
end
$function$
;
CREATE TRIGGER close_account AFTER DELETE ON auth.users FOR EACH ROW EXECUTE FUNCTION app.close_account();
CREATE TRIGGER close_account_softly AFTER UPDATE OF deleted_at ON auth.users FOR EACH ROW WHEN ((new.deleted_at IS NOT NULL)) EXECUTE FUNCTION app.close_account();

CREATE OR REPLACE FUNCTION app.follow_user()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update app.accounts set email = new.email where id = new.id and email is distinct from new.email;
  return new;
end
$function$
;
CREATE TRIGGER follow_user AFTER UPDATE OF email ON auth.users FOR EACH ROW EXECUTE FUNCTION app.follow_user();

CREATE OR REPLACE FUNCTION app.identify(p_hash bytea, p_person uuid, p_issued bigint, p_windows text[])
 RETURNS TABLE(key_id uuid, account_id uuid, scopes text[], closed boolean, guest boolean, suspended_for text, plan_name text, minutes_per_month integer, max_input_bytes bigint, max_job_seconds integer, requests_per_minute integer, hits jsonb, window_seconds integer)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
#variable_conflict use_column
begin
  return query
    with credential as (
      select k.id as key_id, k.account_id, k.scopes
        from app.api_keys k
       where k.hash = p_hash and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > now())
      union all
      select null, a.id, array['jobs', 'read']
        from app.accounts a
       where a.id = p_person
         and (a.sessions_ended_at is null or p_issued is null
              or to_timestamp(p_issued) >= date_trunc('second', a.sessions_ended_at))
    ),
    counted as (
      insert into app.rate_windows as w (subject, started_at, hits)
      select window_name || ':' || c.account_id, date_trunc('minute', now()), 1
        from credential c join app.accounts a on a.id = c.account_id, unnest(p_windows) as window_name
       where a.closed_at is null
      on conflict (subject, started_at) do update set hits = w.hits + 1
      returning split_part(subject, ':', 1) as name, hits
    )
    select c.key_id, c.account_id, c.scopes,
           a.closed_at is not null, a.guest_until is not null,
           case when a.suspended_at is not null then coalesce(a.suspended_for, '') end,
           p.name, p.minutes_per_month, p.max_input_bytes, p.max_job_seconds, p.requests_per_minute,
           (select jsonb_object_agg(n.name, n.hits) from counted n),
           60 - floor(extract(second from now()))::integer
      from credential c join app.accounts a on a.id = c.account_id
           join app.plans p on p.id = a.plan_id;
end
$function$
;

CREATE OR REPLACE FUNCTION app.leave_out_closed()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if exists (select from app.accounts where id = new.account_id and closed_at is not null) then
    return null;
  end if;
  return new;
end
$function$
;

CREATE OR REPLACE FUNCTION app.open_account()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if coalesce(new.raw_user_meta_data ->> 'over_13', '') <> 'true' then
    raise exception 'Confirm that you are 13 or older: an account needs over_13: true.'
      using errcode = 'PT400';
  end if;
  insert into app.accounts (id, email, name, over_13_at)
  values (new.id, new.email, left(new.raw_user_meta_data ->> 'name', 200), now());
  insert into app.policy_acceptances (account_id, version)
  select new.id, version from app.policies order by published_at desc limit 1;
  return new;
end
$function$
;
CREATE TRIGGER open_account AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION app.open_account();

CREATE OR REPLACE FUNCTION app.open_guest(p_network text, p_wide text, p_share integer, p_most_a_minute integer, p_most_a_day integer, p_most_in_all integer, p_seconds integer, p_hash bytea, p_starts_with text)
 RETURNS TABLE(expires_at timestamp with time zone, beyond text, wait integer)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
#variable_conflict use_column
begin
  -- A call that waited here sees what the previous one wrote: each statement has a new snapshot.
  perform pg_advisory_xact_lock(hashtext('app.open_guest'));
  -- Where a span is full, the oldest of the accounts that fill it has to leave it.
  return query
    select null::timestamptz, l.beyond,
           greatest(1, ceil(extract(epoch from oldest.created_at + l.span - now())))::integer
      from (values ('minute', p_network, null, p_most_a_minute, interval '1 minute'),
                   ('day', p_network, null, p_most_a_day, interval '1 day'),
                   ('minute', null, p_wide, p_most_a_minute * p_share, interval '1 minute'),
                   ('day', null, p_wide, p_most_a_day * p_share, interval '1 day'),
                   ('all', null, null, p_most_in_all, interval '1 day')
           ) l (beyond, network, wide, most, span)
     cross join lateral (
       select g.created_at from app.guests g
        where g.created_at > now() - l.span
          and (l.network is null or g.network = l.network)
          and (l.wide is null or g.wide_network = l.wide)
        order by g.created_at desc offset l.most - 1 limit 1) oldest
     where l.beyond = 'all' or l.network is not null or l.wide is not null
     order by oldest.created_at + l.span desc limit 1;
  if found then
    return;
  end if;
  return query
    with opened as (
      insert into app.accounts
        (id, plan_id, inputs_kept_seconds, outputs_kept_seconds, guest_until)
      values (gen_random_uuid(), 'try', p_seconds, p_seconds,
              now() + make_interval(secs => p_seconds))
      returning id, guest_until
    ),
    noted as (
      insert into app.guests (network, wide_network, account_id)
      select p_network, p_wide, id from opened
    )
    insert into app.api_keys (account_id, hash, starts_with, label, expires_at)
    select id, p_hash, p_starts_with, 'visitor', guest_until from opened
    returning expires_at, null::text, null::integer;
end
$function$
;

-- outbox ------------------------------------------------------------------------------------------

create table app.tasks (
  id uuid default gen_random_uuid() not null,
  kind text not null,
  key text,
  account_id uuid,
  payload jsonb default '{}'::jsonb not null,
  created_at timestamp with time zone default now() not null,
  due_at timestamp with time zone default now() not null,
  attempt integer default 0 not null,
  failures integer default 0 not null,
  ended_at timestamp with time zone,
  error text,
  constraint tasks_key_key UNIQUE (key),
  constraint tasks_pkey PRIMARY KEY (id)
);
alter table app.tasks enable row level security;
CREATE INDEX tasks_account ON app.tasks USING btree (account_id) WHERE (account_id IS NOT NULL);
CREATE INDEX tasks_due ON app.tasks USING btree (due_at) WHERE (ended_at IS NULL);
CREATE INDEX tasks_ended ON app.tasks USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE OR REPLACE FUNCTION app.add_task(p_kind text, p_key text, p_account uuid, p_payload jsonb, p_due timestamp with time zone DEFAULT now())
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into app.tasks (kind, key, account_id, payload, due_at)
  values (p_kind, p_key, p_account, p_payload, p_due)
  on conflict (key) do nothing;
  return found;
end
$function$
;

CREATE OR REPLACE FUNCTION app.retry_task(p_id uuid)
 RETURNS TABLE(id uuid, kind text, account_id uuid, retried boolean)
 LANGUAGE sql
 SET search_path TO ''
AS $function$
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
$function$
;

-- usage -------------------------------------------------------------------------------------------

create table app.usage (
  account_id uuid not null,
  period date not null,
  reserved_minutes numeric(14,4) default 0 not null,
  used_minutes numeric(14,4) default 0 not null,
  granted_minutes numeric(14,4) default 0 not null,
  constraint usage_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint usage_pkey PRIMARY KEY (account_id, period),
  constraint usage_reserved_minutes_check CHECK ((reserved_minutes >= (0)::numeric)),
  constraint usage_used_minutes_check CHECK ((used_minutes >= (0)::numeric))
);
alter table app.usage enable row level security;
CREATE TRIGGER watch_usage AFTER UPDATE OF used_minutes ON app.usage FOR EACH ROW WHEN ((new.used_minutes > old.used_minutes)) EXECUTE FUNCTION app.watch_usage();

create table app.usage_ledger (
  id bigint generated always as identity not null,
  account_id uuid not null,
  job_id uuid,
  period date not null,
  kind text not null,
  minutes numeric(12,4) not null,
  at timestamp with time zone default now() not null,
  constraint usage_ledger_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint usage_ledger_job CHECK (((job_id IS NOT NULL) OR (kind = 'grant'::text))),
  constraint usage_ledger_kind_check CHECK ((kind = ANY (ARRAY['reserve'::text, 'settle'::text, 'release'::text, 'grant'::text, 'refund'::text]))),
  constraint usage_ledger_minutes_check CHECK ((minutes >= (0)::numeric)),
  constraint usage_ledger_pkey PRIMARY KEY (id)
);
alter table app.usage_ledger enable row level security;
CREATE INDEX usage_ledger_account ON app.usage_ledger USING btree (account_id, period);
CREATE UNIQUE INDEX usage_ledger_end ON app.usage_ledger USING btree (job_id) WHERE (kind = ANY (ARRAY['settle'::text, 'release'::text]));
CREATE UNIQUE INDEX usage_ledger_refund ON app.usage_ledger USING btree (job_id) WHERE (kind = 'refund'::text);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON app.usage_ledger FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON app.usage_ledger FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_change();

CREATE OR REPLACE FUNCTION app.grant_minutes(p_account uuid, p_minutes numeric)
 RETURNS TABLE(account_id uuid, period date, granted_minutes numeric)
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  with granted as (
    insert into app.usage as u (account_id, period, granted_minutes)
    select a.id, date_trunc('month', now() at time zone 'utc')::date, p_minutes
      from app.accounts a where a.id = p_account
    on conflict (account_id, period) do update
      set granted_minutes = u.granted_minutes + excluded.granted_minutes
    returning u.account_id, u.period, u.granted_minutes
  ),
  ledger as (
    insert into app.usage_ledger (account_id, period, kind, minutes)
    select g.account_id, g.period, 'grant', p_minutes from granted g
  )
  select g.account_id, g.period, g.granted_minutes from granted g
$function$
;

CREATE OR REPLACE FUNCTION app.refund_job(p_job uuid)
 RETURNS TABLE(account_id uuid, minutes numeric, refunded boolean)
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  with charged as (
    select l.account_id, l.job_id, l.period, l.minutes from app.usage_ledger l
     where l.job_id = p_job and l.kind = 'settle' and l.minutes > 0
  ),
  refunded as (
    insert into app.usage_ledger as l (account_id, job_id, period, kind, minutes)
    select c.account_id, c.job_id, c.period, 'refund', c.minutes from charged c
    on conflict (job_id) where kind = 'refund' do nothing
    returning l.account_id, l.period, l.minutes
  ),
  usage as (
    update app.usage u set used_minutes = greatest(0, u.used_minutes - r.minutes)
      from refunded r where u.account_id = r.account_id and u.period = r.period
  )
  select c.account_id, c.minutes, exists (select from refunded) from charged c
$function$
;

CREATE OR REPLACE FUNCTION app.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'DELETE' and not exists (select from app.accounts a where a.id = old.account_id) then
    return old;
  end if;
  raise exception '% is append only', tg_table_name;
end
$function$
;

CREATE OR REPLACE FUNCTION app.warn_of_quota(p_account uuid, p_period date, p_used numeric, p_limit numeric, p_percent integer)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select app.add_task('mail', format('quota_%s:%s:%s', p_percent, p_account, p_period), p_account,
           jsonb_build_object('template', 'quota_' || p_percent, 'values', jsonb_build_object(
             'used', trim_scale(round(p_used, 1))::text, 'limit', trim_scale(p_limit)::text,
             'month', to_char(p_period, 'FMMonth YYYY'))))
    from app.accounts a
   where a.id = p_account and a.email is not null
     and (p_percent = 100 or not exists (
       select from app.tasks t where t.key = format('quota_100:%s:%s', p_account, p_period)))
$function$
;

CREATE OR REPLACE FUNCTION app.watch_usage()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;

-- files -------------------------------------------------------------------------------------------

create table app.deletions (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  account_id uuid,
  bucket text not null,
  key text not null,
  reason text not null,
  constraint deletions_pkey PRIMARY KEY (id),
  constraint deletions_reason_check CHECK ((reason = ANY (ARRAY['expired'::text, 'asked'::text, 'orphan'::text, 'missing'::text, 'account'::text])))
);
alter table app.deletions enable row level security;
CREATE INDEX deletions_account ON app.deletions USING btree (account_id, at);

create table app.files (
  id uuid default gen_random_uuid() not null,
  account_id uuid not null,
  role text not null,
  job_id uuid,
  place integer default 0 not null,
  bucket text not null,
  key text not null,
  address text default ((('gs://'::text || bucket) || '/'::text) || key) not null,
  filename text not null,
  content_type text not null,
  format text,
  declared_bytes bigint,
  size_bytes bigint,
  probe jsonb,
  version text,
  created_at timestamp with time zone default now() not null,
  confirmed_at timestamp with time zone,
  expires_at timestamp with time zone,
  deleted_at timestamp with time zone,
  sweep_at timestamp with time zone default '-infinity'::timestamp with time zone not null,
  sweep_tries integer default 0 not null,
  constraint files_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint files_address_key UNIQUE (address),
  constraint files_check CHECK (((job_id IS NOT NULL) = (role = 'output'::text))),
  constraint files_job_id_fkey FOREIGN KEY (job_id) REFERENCES app.jobs(id) ON DELETE CASCADE,
  constraint files_pkey PRIMARY KEY (id),
  constraint files_role_check CHECK ((role = ANY (ARRAY['upload'::text, 'output'::text, 'export'::text])))
);
alter table app.files enable row level security;
CREATE INDEX files_account ON app.files USING btree (account_id, role, created_at);
CREATE INDEX files_deleted_uploads ON app.files USING btree (deleted_at) WHERE ((role = 'upload'::text) AND (deleted_at IS NOT NULL));
CREATE INDEX files_due ON app.files USING btree (expires_at) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX files_job ON app.files USING btree (job_id, place) WHERE (job_id IS NOT NULL);
CREATE INDEX files_kept_uploads ON app.files USING btree (account_id) WHERE ((role = 'upload'::text) AND (deleted_at IS NULL));
CREATE INDEX files_unconfirmed ON app.files USING btree (created_at) WHERE ((role = 'upload'::text) AND (confirmed_at IS NULL) AND (deleted_at IS NULL));
CREATE TRIGGER leave_out_closed BEFORE INSERT ON app.files FOR EACH ROW EXECUTE FUNCTION app.leave_out_closed();

create table app.last_sweep (
  one boolean default true not null,
  ended_at timestamp with time zone not null,
  constraint last_sweep_one_check CHECK (one),
  constraint last_sweep_pkey PRIMARY KEY (one)
);
alter table app.last_sweep enable row level security;

CREATE OR REPLACE FUNCTION app.expire_inputs(p_account uuid, p_job uuid, p_inputs jsonb, p_seconds integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  update app.files f
     set expires_at = least(f.expires_at, now() + make_interval(secs => p_seconds))
   where f.account_id = p_account and f.role = 'upload'
     and f.address = any(array(select i ->> 'url' from jsonb_array_elements(p_inputs) i))
     and not app.is_read(p_account, f.address, p_job);
end
$function$
;

CREATE OR REPLACE FUNCTION app.is_read(p_account uuid, p_address text, p_except uuid DEFAULT NULL::uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return exists (
    select from app.jobs j
     where j.account_id = p_account and j.status in ('pending', 'processing')
       and j.id is distinct from p_except
       and j.inputs @> jsonb_build_array(jsonb_build_object('url', p_address)));
end
$function$
;

CREATE OR REPLACE FUNCTION app.outputs_of(p_job uuid)
 RETURNS TABLE(outputs jsonb, outputs_expire_at timestamp with time zone, outputs_deleted_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return query
    select jsonb_agg(jsonb_build_object('url', f.address, 'filename', f.filename,
             'size_bytes', f.size_bytes, 'format', f.format) order by f.place),
           min(f.expires_at),
           case when bool_and(f.deleted_at is not null) then max(f.deleted_at) end
      from app.files f where f.job_id = p_job;
end
$function$
;

CREATE OR REPLACE FUNCTION app.record_export(p_account uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_id uuid := gen_random_uuid();
  v_stored uuid;
begin
  insert into app.files (id, account_id, role, bucket, key, filename, content_type)
  values (v_id, p_account, 'export', 'exports', p_account || '/' || v_id || '.zip', 'export.zip',
          'application/zip')
  returning id into v_stored;
  return v_stored;
end
$function$
;

CREATE OR REPLACE FUNCTION app.record_outputs(p_account uuid, p_job uuid, p_at timestamp with time zone, p_expires timestamp with time zone, p_outputs jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into app.files (account_id, role, job_id, place, bucket, key, filename, content_type,
    format, size_bytes, created_at, confirmed_at, expires_at)
  select p_account, 'output', p_job, o.number - 1, o.file ->> 'bucket', o.file ->> 'key',
         o.file ->> 'filename', o.file ->> 'content_type', o.file ->> 'format',
         (o.file ->> 'size_bytes')::bigint, p_at, p_at, p_expires
    from jsonb_array_elements(p_outputs) with ordinality o (file, number);
end
$function$
;

CREATE OR REPLACE FUNCTION app.record_upload(p_account uuid, p_bucket text, p_key text, p_filename text, p_type text, p_bytes bigint, p_hours integer)
 RETURNS TABLE(beyond text, most bigint)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
         coalesce(sum(greatest(f.declared_bytes, f.size_bytes)), 0) as bytes into kept
    from app.files f
   where f.account_id = p_account and f.role = 'upload'
     and (f.deleted_at is null or bounds.guest);
  if kept.number >= bounds.max_uploads then
    return query select 'number', bounds.max_uploads::bigint;
  elsif kept.bytes + p_bytes > bounds.max_upload_bytes then
    return query select 'bytes', bounds.max_upload_bytes;
  else
    insert into app.files
      (account_id, role, bucket, key, filename, content_type, declared_bytes, expires_at)
    values (p_account, 'upload', p_bucket, p_key, p_filename, p_type, p_bytes,
            now() + make_interval(hours => p_hours));
    return query select null::text, null::bigint;
  end if;
end
$function$
;

CREATE OR REPLACE FUNCTION app.shorten_files(p_account uuid, p_uploads integer, p_outputs integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  update app.files f
     set expires_at = least(f.expires_at, f.created_at + make_interval(
           secs => case f.role when 'upload' then p_uploads else p_outputs end))
   where f.account_id = p_account and f.deleted_at is null
     and ((f.role = 'upload' and p_uploads > 0) or (f.role = 'output' and p_outputs is not null));
end
$function$
;

CREATE OR REPLACE FUNCTION app.withdraw_file(p_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  delete from app.files where id = p_id and confirmed_at is null;
end
$function$
;

-- jobs --------------------------------------------------------------------------------------------

create table app.job_events (
  id bigint generated always as identity not null,
  job_id uuid not null,
  account_id uuid not null,
  kind text not null,
  detail jsonb default '{}'::jsonb not null,
  at timestamp with time zone default now() not null,
  cursor bigint,
  payload jsonb,
  constraint job_events_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint job_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES app.jobs(id) ON DELETE CASCADE,
  constraint job_events_kind_check CHECK ((kind = ANY (ARRAY['created'::text, 'started'::text, 'retried'::text, 'completed'::text, 'failed'::text, 'canceled'::text]))),
  constraint job_events_pkey PRIMARY KEY (id)
);
alter table app.job_events enable row level security;
CREATE UNIQUE INDEX job_events_cursor ON app.job_events USING btree (account_id, cursor);
CREATE INDEX job_events_job ON app.job_events USING btree (job_id, id);
CREATE TRIGGER name_account BEFORE INSERT ON app.job_events FOR EACH ROW WHEN ((new.account_id IS NULL)) EXECUTE FUNCTION app.name_account_of_event();
CREATE CONSTRAINT TRIGGER place_event AFTER INSERT ON app.job_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.place_event();

create table app.jobs (
  id uuid default gen_random_uuid() not null,
  account_id uuid not null,
  job_type text default 'transcode'::text not null,
  status text not null,
  request jsonb not null,
  output_format text not null,
  inputs jsonb not null,
  ffmpeg_options jsonb,
  metadata jsonb default '{}'::jsonb not null,
  receipt jsonb,
  lane text,
  queue_position integer,
  turn bigint default 0 not null,
  attempt integer default 0 not null,
  progress real,
  period date not null,
  reserved_minutes numeric(12,4) default 0 not null,
  billable_minutes numeric(12,4),
  duration_seconds double precision,
  processing_seconds double precision,
  error_message text,
  error_category text default 'unknown'::text not null,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  started_at timestamp(3) with time zone,
  completed_at timestamp(3) with time zone,
  deleted_by_owner_at timestamp with time zone,
  constraint jobs_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint jobs_error_category_check CHECK ((error_category = ANY (ARRAY['processing_limit'::text, 'file_size'::text, 'quota'::text, 'upload'::text, 'storage'::text, 'validation'::text, 'processing'::text, 'transient'::text, 'unknown'::text]))),
  constraint jobs_job_type_check CHECK ((job_type = ANY (ARRAY['transcode'::text, 'transcribe'::text]))),
  constraint jobs_lane_check CHECK ((lane = ANY (ARRAY['short'::text, 'long'::text, 'heavy'::text]))),
  constraint jobs_pkey PRIMARY KEY (id),
  constraint jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'completed'::text, 'failed'::text, 'canceled'::text])))
);
alter table app.jobs enable row level security;
CREATE INDEX jobs_by_creation ON app.jobs USING btree (account_id, created_at DESC, id DESC);
CREATE INDEX jobs_by_status ON app.jobs USING btree (account_id, status, updated_at DESC, id DESC);
CREATE INDEX jobs_by_update ON app.jobs USING btree (account_id, updated_at DESC, id DESC);
CREATE INDEX jobs_failed ON app.jobs USING btree (account_id, updated_at) WHERE ((status = 'failed'::text) AND (error_category = ANY (ARRAY['validation'::text, 'processing_limit'::text, 'file_size'::text, 'upload'::text, 'processing'::text])));
CREATE INDEX jobs_failed_by_time ON app.jobs USING btree (updated_at) WHERE (status = 'failed'::text);
CREATE INDEX jobs_pending ON app.jobs USING btree (turn, created_at, id) WHERE (status = 'pending'::text);
CREATE INDEX jobs_processing ON app.jobs USING btree (account_id) WHERE (status = 'processing'::text);
CREATE INDEX jobs_retried ON app.jobs USING btree (updated_at) WHERE (attempt > 1);
CREATE TRIGGER cancel_job_of_suspended AFTER INSERT ON app.jobs FOR EACH ROW WHEN ((new.status = 'pending'::text)) EXECUTE FUNCTION app.cancel_job_of_suspended();
CREATE TRIGGER leave_out_closed BEFORE INSERT ON app.jobs FOR EACH ROW EXECUTE FUNCTION app.leave_out_closed();
CREATE CONSTRAINT TRIGGER stamp_change AFTER INSERT OR UPDATE OF updated_at ON app.jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.updated_at = (now())::timestamp(3) with time zone)) EXECUTE FUNCTION app.stamp_change();

create sequence app.event_cursor as bigint start 1 increment 1;

CREATE OR REPLACE FUNCTION app.event_payload(j app.jobs)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select jsonb_build_object(
    'id', j.id, 'job_type', j.job_type, 'status', j.status, 'output_format', j.output_format,
    'outputs', o.outputs, 'lane', j.lane, 'attempt', j.attempt, 'progress', j.progress,
    'reserved_minutes', j.reserved_minutes, 'billable_minutes', j.billable_minutes,
    'duration_seconds', j.duration_seconds, 'processing_seconds', j.processing_seconds,
    'error_category', j.error_category, 'error_message', j.error_message,
    'created_at', j.created_at, 'updated_at', j.updated_at, 'started_at', j.started_at,
    'completed_at', j.completed_at, 'files_expire_at', o.outputs_expire_at)
    from app.outputs_of(j.id) o
$function$
;

CREATE OR REPLACE FUNCTION app.name_account_of_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  new.account_id := (select j.account_id from app.jobs j where j.id = new.job_id);
  return new;
end
$function$
;

CREATE OR REPLACE FUNCTION app.place_event()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('app.job_change:' || new.account_id, 0));
  update app.job_events e
     set cursor = nextval('app.event_cursor'), payload = app.event_payload(j)
    from app.jobs j where e.id = new.id and j.id = e.job_id;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION app.stamp_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;

-- queue -------------------------------------------------------------------------------------------

create table app.leases (
  job_id uuid not null,
  part integer not null,
  attempt integer not null,
  ticket bigint not null,
  lease_until timestamp with time zone not null,
  constraint leases_job_id_fkey FOREIGN KEY (job_id) REFERENCES app.jobs(id) ON DELETE CASCADE,
  constraint leases_pkey PRIMARY KEY (job_id, part),
  constraint leases_ticket_key UNIQUE (ticket)
);
alter table app.leases enable row level security;

create table app.queue_clock (
  one boolean default true not null,
  turn bigint default 0 not null,
  constraint queue_clock_one_check CHECK (one),
  constraint queue_clock_pkey PRIMARY KEY (one)
);
alter table app.queue_clock enable row level security;

CREATE OR REPLACE FUNCTION app.cancel_job_of_suspended()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if exists (select from app.accounts a
              where a.id = new.account_id and a.suspended_at is not null) then
    perform app.cancel_jobs(new.account_id, new.id, 'The account was suspended.', 1);
  end if;
  return null;
end
$function$
;

CREATE OR REPLACE FUNCTION app.cancel_jobs(p_account uuid, p_job uuid, p_message text, p_most integer)
 RETURNS SETOF app.jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION app.claim_job(p_lease integer, p_skip uuid[] DEFAULT '{}'::uuid[])
 RETURNS TABLE(ticket bigint, id uuid, part integer, account_id uuid, attempt integer, request jsonb, inputs jsonb, reserved_minutes numeric, max_input_bytes bigint, max_output_bytes bigint, max_job_seconds integer, minutes_per_month integer, plan_name text, ended_id uuid, ended_account uuid)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION app.create_job(p_id uuid, p_account uuid, p_limit integer, p_minutes numeric, p_known boolean, p_seconds double precision, p_request jsonb, p_format text, p_inputs jsonb, p_metadata jsonb, p_lane text)
 RETURNS TABLE(id uuid, status text, message bigint, retry_after integer)
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION app.lease_ran_out(p_job uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return exists (
    select from app.leases l where l.job_id = p_job and l.lease_until < now());
end
$function$
;

CREATE OR REPLACE FUNCTION app.seconds_to_wait(p_account uuid)
 RETURNS integer
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION app.send_ticket_of_waiting(p_account uuid)
 RETURNS bigint
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select pgmq.send('jobs', '{"waited": true}')
   where exists (
     select from app.jobs j where j.account_id = p_account and j.status = 'pending')
$function$
;

-- billing -----------------------------------------------------------------------------------------

create table app.invoices (
  id text not null,
  account_id uuid,
  number text,
  status text not null,
  currency text not null,
  amount_cents bigint not null,
  paid_cents bigint not null,
  refunded_cents bigint default 0 not null,
  period_start timestamp with time zone not null,
  period_end timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint invoices_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE SET NULL,
  constraint invoices_pkey PRIMARY KEY (id)
);
alter table app.invoices enable row level security;
CREATE INDEX invoices_account ON app.invoices USING btree (account_id, created_at DESC);

create table app.stripe_events (
  id text not null,
  type text not null,
  customer_id text,
  created_at timestamp with time zone not null,
  received_at timestamp with time zone default now() not null,
  processed_at timestamp with time zone,
  error text,
  constraint stripe_events_pkey PRIMARY KEY (id)
);
alter table app.stripe_events enable row level security;
CREATE INDEX stripe_events_customer ON app.stripe_events USING btree (customer_id);
CREATE INDEX stripe_events_open ON app.stripe_events USING btree (received_at) WHERE (processed_at IS NULL);

create table app.subscriptions (
  account_id uuid not null,
  customer_id text not null,
  subscription_id text,
  plan_id text,
  status text,
  period_end timestamp with time zone,
  cancel_at_period_end boolean default false not null,
  next_plan_id text,
  grace_until timestamp with time zone,
  reading bigint default 0 not null,
  written bigint default 0 not null,
  constraint subscriptions_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint subscriptions_customer_id_key UNIQUE (customer_id),
  constraint subscriptions_next_plan_id_fkey FOREIGN KEY (next_plan_id) REFERENCES app.plans(id),
  constraint subscriptions_pkey PRIMARY KEY (account_id),
  constraint subscriptions_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES app.plans(id)
);
alter table app.subscriptions enable row level security;

-- privacy -----------------------------------------------------------------------------------------

create table app.reports (
  id uuid not null,
  at timestamp with time zone default now() not null,
  account_id uuid not null,
  job_id uuid not null,
  message text not null,
  closed_at timestamp with time zone,
  constraint reports_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint reports_job_id_fkey FOREIGN KEY (job_id) REFERENCES app.jobs(id) ON DELETE CASCADE,
  constraint reports_pkey PRIMARY KEY (id)
);
alter table app.reports enable row level security;
CREATE INDEX reports_account ON app.reports USING btree (account_id, at DESC);
CREATE INDEX reports_at ON app.reports USING btree (at);
CREATE INDEX reports_job ON app.reports USING btree (job_id);
CREATE INDEX reports_open ON app.reports USING btree (at) WHERE (closed_at IS NULL);

create table app.staff_accesses (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  who text not null,
  account_id uuid not null,
  job_id uuid not null,
  reason text not null,
  legal_reference text,
  until timestamp with time zone not null,
  files text[] not null,
  constraint staff_accesses_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint staff_accesses_check CHECK ((until <= (at + '24:00:00'::interval))),
  constraint staff_accesses_files_check CHECK ((cardinality(files) > 0)),
  constraint staff_accesses_legal_reference_check CHECK ((legal_reference <> ''::text)),
  constraint staff_accesses_pkey PRIMARY KEY (id),
  constraint staff_accesses_reason_check CHECK ((reason <> ''::text))
);
alter table app.staff_accesses enable row level security;
CREATE INDEX staff_accesses_account ON app.staff_accesses USING btree (account_id, at DESC);

create table app.support_messages (
  id uuid not null,
  at timestamp with time zone default now() not null,
  account_id uuid,
  email text not null,
  subject text,
  message text not null,
  job_id uuid,
  constraint support_messages_account_id_fkey FOREIGN KEY (account_id) REFERENCES app.accounts(id) ON DELETE CASCADE,
  constraint support_messages_pkey PRIMARY KEY (id)
);
alter table app.support_messages enable row level security;
CREATE INDEX support_messages_account ON app.support_messages USING btree (account_id, at) WHERE (account_id IS NOT NULL);
CREATE INDEX support_messages_at ON app.support_messages USING btree (at);
CREATE INDEX support_messages_email ON app.support_messages USING btree (lower(email), at);

CREATE OR REPLACE FUNCTION app.ask_export(p_account uuid, p_most integer)
 RETURNS TABLE(number bigint, under_way boolean)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_export uuid;
begin
  perform from app.accounts where id = p_account for no key update;
  -- An export that was given up is not in progress any more.
  perform app.withdraw_file(f.id) from app.files f
    where f.account_id = p_account and f.role = 'export' and f.confirmed_at is null
      and not exists (
        select from app.tasks t where t.key = 'export:' || f.id and t.ended_at is null);
  select count(*), coalesce(bool_or(f.confirmed_at is null), false) into number, under_way
    from app.files f
   where f.account_id = p_account and f.role = 'export'
     and (f.created_at > now() - interval '1 day' or f.confirmed_at is null);
  if not under_way and number < p_most then
    v_export := app.record_export(p_account);
    if v_export is not null then  -- null for a closed account
      perform app.add_task(
        'export', 'export:' || v_export, p_account, jsonb_build_object('export', v_export));
    end if;
  end if;
  return next;
end
$function$
;

CREATE OR REPLACE FUNCTION app.erase_account(p_account uuid, p_email text, p_batch integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_deleted bigint;
begin
  delete from app.request_log where id in (
    select l.id from app.request_log l where l.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.deletions where id in (
    select d.id from app.deletions d where d.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.deletions where key like p_account || '/%';
  -- The record of what the operator did stays, without the account it was about.
  update app.operator_log set account_id = null, job_id = null, reason = null, detail = '{}'
   where account_id = p_account
      or job_id in (select j.id from app.jobs j where j.account_id = p_account);
  delete from app.files where id in (
    select f.id from app.files f where f.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.jobs where id in (
    select j.id from app.jobs j where j.account_id = p_account limit p_batch);
  get diagnostics v_deleted = row_count;
  if v_deleted = p_batch then
    return true;
  end if;
  delete from app.request_days where account_id = p_account;
  delete from app.rate_windows where subject like '%:' || p_account;
  delete from app.support_messages where lower(email) = lower(p_email);
  -- Including mails to the account's address, or to be answered to it, that name no account.
  delete from app.tasks
   where key is distinct from 'erase:' || p_account
     and (account_id = p_account or payload #>> '{values,account}' = p_account::text
          or lower(p_email) in (lower(payload ->> 'to'), lower(payload ->> 'reply_to')));
  delete from app.accounts where id = p_account;
  -- What Auth keeps beside the login: records of sign-ins and deletions, unfinished sign-ins, tokens
  -- of sessions that ended long ago.
  if to_regclass('auth.audit_log_entries') is not null then
    execute 'delete from auth.audit_log_entries
              where payload ->> ''actor_id'' = $1 or payload #>> ''{traits,user_id}'' = $1
                 or position(to_jsonb($2)::text in lower(payload::text)) > 0'
      using p_account::text, lower(p_email);
  end if;
  delete from auth.flow_state where user_id = p_account;
  delete from auth.refresh_tokens where user_id = p_account::text;
  return false;
end
$function$
;

CREATE OR REPLACE FUNCTION app.forget_addresses(p_account uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_ips inet[] := array(
    select l.ip from app.request_log l where l.account_id = p_account and l.ip is not null
    union
    select s.ip from auth.sessions s where s.user_id = p_account and s.ip is not null);
begin
  update app.request_log set ip = null
   where ip = any(v_ips) and account_id is null
     and at >= (select created_at from app.accounts where id = p_account);
  delete from app.rate_windows w using unnest(v_ips) as each (ip)
   where w.subject like '%:' || host(each.ip)  -- as lib/http/client.py writes them
      or (family(each.ip) = 6
          and (w.subject like '%:' || network(set_masklen(each.ip, 64))::text
               or w.subject like '%:' || network(set_masklen(each.ip, 48))::text));
end
$function$
;

-- operator ----------------------------------------------------------------------------------------

create table app.operator_log (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  who text not null,
  act text not null,
  account_id uuid,
  job_id uuid,
  reason text,
  detail jsonb default '{}'::jsonb not null,
  constraint operator_log_pkey PRIMARY KEY (id)
);
alter table app.operator_log enable row level security;
CREATE INDEX operator_log_account ON app.operator_log USING btree (account_id, at) WHERE (account_id IS NOT NULL);
CREATE UNIQUE INDEX operator_log_retry ON app.operator_log USING btree (job_id) WHERE (act = 'retry'::text);

-- telemetry ---------------------------------------------------------------------------------------

create table app.counted (
  source text not null,
  last_id bigint default 0 not null,
  last_at timestamp with time zone default '-infinity'::timestamp with time zone not null,
  constraint counted_pkey PRIMARY KEY (source)
);
alter table app.counted enable row level security;

create table app.counters (
  name text not null,
  labels jsonb not null,
  value numeric not null,
  constraint counters_pkey PRIMARY KEY (name, labels)
);
alter table app.counters enable row level security;

create table app.request_days (
  day date not null,
  account_id uuid,
  route text not null,
  status smallint not null,
  calls bigint not null,
  milliseconds double precision not null,
  constraint request_days_day_account_id_route_status_key UNIQUE NULLS NOT DISTINCT (day, account_id, route, status)
);
alter table app.request_days enable row level security;

create table app.request_log (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  request_id text not null,
  account_id uuid,
  key_id uuid,
  method text not null,
  route text not null,
  status smallint not null,
  milliseconds real not null,
  ip inet,
  constraint request_log_pkey PRIMARY KEY (id)
);
alter table app.request_log enable row level security;
CREATE INDEX request_log_account ON app.request_log USING btree (account_id, at) WHERE (account_id IS NOT NULL);
CREATE INDEX request_log_at ON app.request_log USING btree (at);
CREATE INDEX request_log_ip ON app.request_log USING btree (at) WHERE (ip IS NOT NULL);
CREATE INDEX request_log_refused ON app.request_log USING btree (status, at) WHERE (status = ANY (ARRAY[400, 401, 402, 429]));

create table app.worker_heartbeats (
  id uuid not null,
  started_at timestamp with time zone not null,
  seen_at timestamp with time zone default now() not null,
  version text not null,
  slots integer not null,
  busy_slots integer not null,
  leases integer not null,
  free_disk_bytes bigint not null,
  constraint worker_heartbeats_pkey PRIMARY KEY (id)
);
alter table app.worker_heartbeats enable row level security;
CREATE INDEX worker_heartbeats_seen ON app.worker_heartbeats USING btree (seen_at);

create table app.worker_reports (
  ffmpeg text not null,
  cage text[] not null,
  seen_at timestamp with time zone default now() not null,
  constraint worker_reports_pkey PRIMARY KEY (ffmpeg, cage)
);
alter table app.worker_reports enable row level security;

CREATE OR REPLACE FUNCTION app.add_counts(p_counts jsonb)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into app.counters as c (name, labels, value)
  select e ->> 'name', e -> 'labels', sum((e ->> 'value')::numeric)
    from jsonb_array_elements(p_counts) e group by 1, 2 order by 1, 2
  on conflict (name, labels) do update set value = c.value + excluded.value
$function$
;

CREATE OR REPLACE FUNCTION app.batch_end(p_source text, p_last bigint, p_before timestamp with time zone, p_batch integer)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET enable_seqscan TO 'off'
AS $function$
declare
  found bigint;
begin
  execute format(
    'select coalesce(min(id) filter (where at >= $2) - 1, max(id))
       from (select id, at from app.%I where id > $1 order by id limit $3) batch', p_source)
    into found using p_last, p_before, p_batch;
  return case when found > p_last then found end;
end
$function$
;

CREATE OR REPLACE FUNCTION app.count_up(p_batch integer, p_settled interval)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
 SET enable_seqscan TO 'off'
AS $function$
declare
  v_source text;
  v_last bigint;
  v_moment timestamptz;
  v_until bigint;
  v_more boolean := false;
  v_before constant timestamptz := clock_timestamp() - p_settled;
  -- Milliseconds, as in lib/telemetry/counters.py.
  v_bounds constant real[] := '{5,10,25,50,100,250,500,1000,2500,5000,10000}';
begin
  foreach v_source in array array['request_log', 'job_events', 'usage_ledger', 'deletions'] loop
    select c.last_id into v_last from app.counted c where c.source = v_source for update;
    v_until := app.batch_end(v_source, v_last, v_before, p_batch);
    continue when v_until is null;
    v_more := v_more or v_until - v_last >= p_batch;
    insert into app.counters as c (name, labels, value)
    select * from (
      select 'requests' as name,
             jsonb_build_object('method', m.method, 'route', l.route, 'status', l.status,
               'bucket', (select count(*) from unnest(v_bounds) b where l.milliseconds > b)) as labels,
             count(*)::numeric as value
        from app.request_log l, lateral (select case
               when l.method in ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS')
                 then l.method else 'other' end as method) m
       where v_source = 'request_log' and l.id > v_last and l.id <= v_until group by 2
      union all
      select 'request_milliseconds', jsonb_build_object('route', l.route),
             sum(l.milliseconds)::numeric
        from app.request_log l
       where v_source = 'request_log' and l.id > v_last and l.id <= v_until group by 2
      union all
      select 'job_events', jsonb_build_object('kind', e.kind, 'category',
               case when e.kind = 'failed' then coalesce(j.error_category, 'unknown') end),
             count(*)
        from app.job_events e left join app.jobs j on j.id = e.job_id
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until group by 2
      union all
      select 'job_attempts', jsonb_build_object('attempt', case
               when n.attempt <= 3 then n.attempt::text else '4+' end), count(*)
        from app.job_events e,
             lateral (select coalesce((e.detail ->> 'attempt')::integer, 1) as attempt) n
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'started' group by 2
      union all
      select 'job_failures', jsonb_build_object(
               'category', coalesce(j.error_category, 'unknown'), 'reason', case
                 when not e.detail ? 'reason' then ''
                 when e.detail ->> 'reason' ~ '^[a-z][a-z0-9_]{0,39}$' then e.detail ->> 'reason'
                 else 'other' end), count(*)
        from app.job_events e left join app.jobs j on j.id = e.job_id
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'failed' group by 2
      union all
      -- A worker that gives its job back adds an event; one that falls silent does not.
      select 'leases_expired', '{}'::jsonb, count(*)
        from app.job_events e
       where v_source = 'job_events' and e.id > v_last and e.id <= v_until
         and e.kind = 'started' and (e.detail ->> 'attempt')::integer > 1
         and not exists (
           select from app.job_events r
            where r.job_id = e.job_id and r.id < e.id and r.kind = 'retried'
              and (r.detail ->> 'attempt')::integer = (e.detail ->> 'attempt')::integer - 1)
      having count(*) > 0
      union all
      select 'minutes', jsonb_build_object('kind', u.kind), sum(u.minutes)
        from app.usage_ledger u
       where v_source = 'usage_ledger' and u.id > v_last and u.id <= v_until group by 2
      union all
      select 'deletions', jsonb_build_object('bucket', d.bucket, 'reason', d.reason), count(*)
        from app.deletions d
       where v_source = 'deletions' and d.id > v_last and d.id <= v_until group by 2
    ) batch
    on conflict (name, labels) do update set value = c.value + excluded.value;
    update app.counted c set last_id = v_until where c.source = v_source;
  end loop;

  -- Tasks have no growing id, but the time at which they ended grows.
  select c.last_at into v_moment from app.counted c where c.source = 'tasks' for update;
  insert into app.counters as c (name, labels, value)
  select 'tasks', jsonb_build_object('kind', case when t.kind ~ '^[a-z_]+$' then t.kind else
           'other' end, 'state', case
             when t.error is null then 'done'
             when t.error like 'uncertain:%' then 'uncertain'
             else 'given_up' end), count(*)
    from app.tasks t where t.ended_at > v_moment and t.ended_at <= v_before group by 2
  on conflict (name, labels) do update set value = c.value + excluded.value;
  update app.counted c set last_at = greatest(v_moment, v_before) where c.source = 'tasks';
  return v_more;
end
$function$
;

-- outside the schema app --------------------------------------------------------------------------

-- bucket exports: private, any size, any type
-- bucket outputs: private, any size, any type
-- bucket uploads: private, 2040109465 bytes, 64 content types
grant usage on schema app to supabase_auth_admin;
select pgmq.create('jobs');
