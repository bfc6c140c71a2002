-- Stored files: the private buckets, a row for each file, and the record of deletions.

-- One folder per account inside each bucket; files are reached by signed links only. The types are
-- those of lib/files/upload_types.py, which a test compares with this list.
-- application/octet-stream admits a plain `curl -T file link`, which names no type: the probe at
-- confirm decides what the bytes really are.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
  ('uploads', 'uploads', false, 2040109465, array[
     'application/octet-stream', 'application/ogg', 'application/srt', 'application/x-subrip',
     'audio/3gpp', 'audio/3gpp2', 'audio/aac', 'audio/ac3', 'audio/aiff', 'audio/amr',
     'audio/eac3', 'audio/flac', 'audio/m4a', 'audio/matroska', 'audio/mp3', 'audio/mp4',
     'audio/mpeg', 'audio/ogg', 'audio/opus', 'audio/vnd.wave', 'audio/wav', 'audio/wave',
     'audio/webm', 'audio/x-aac', 'audio/x-aiff', 'audio/x-caf', 'audio/x-flac', 'audio/x-m4a',
     'audio/x-matroska', 'audio/x-ms-wma', 'audio/x-wav', 'image/apng', 'image/avif',
     'image/bmp', 'image/gif', 'image/heic', 'image/heif', 'image/jpeg', 'image/jpg',
     'image/jxl', 'image/png', 'image/tiff', 'image/webp', 'image/x-ms-bmp', 'text/plain',
     'text/srt', 'text/vtt', 'text/x-ass', 'text/x-ssa', 'video/3gpp', 'video/3gpp2',
     'video/matroska', 'video/mp2t', 'video/mp4', 'video/mpeg', 'video/ogg', 'video/quicktime',
     'video/webm', 'video/x-flv', 'video/x-m4v', 'video/x-matroska', 'video/x-ms-asf',
     'video/x-ms-wmv', 'video/x-msvideo']),
  ('outputs', 'outputs', false, null, null),
  -- An account's own data as one archive.
  ('exports', 'exports', false, null, null)
on conflict (id) do update set
  public = excluded.public,
  file_size_limit = excluded.file_size_limit,
  allowed_mime_types = excluded.allowed_mime_types;

-- Each stored file, in one row: an upload, an output of a job, or the archive of an export.
-- lib/files/records.py and the functions of this file are its only writers.
create table app.files (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  role text not null check (role in ('upload', 'output', 'export')),
  -- The job that made an output; app.jobs adds the foreign key.
  job_id uuid check ((job_id is not null) = (role = 'output')),
  -- The place among its job's outputs, from 0.
  place integer not null default 0,
  -- Where the bytes are in Storage. The key begins with the id of the account.
  bucket text not null,
  key text not null,
  -- As callers see it.
  address text not null unique generated always as ('gs://' || bucket || '/' || key) stored,
  -- What its owner calls it: a label.
  filename text not null,
  content_type text not null,
  -- The container of an output.
  format text,
  -- The size that the link of an upload was requested for.
  declared_bytes bigint,
  size_bytes bigint,
  probe jsonb,
  -- Storage's version of the object that `probe` and `size_bytes` describe.
  version text,
  created_at timestamptz not null default now(),
  -- When the bytes were known to be stored: an upload is confirmed once we have read them.
  confirmed_at timestamptz,
  -- Not served from then on, whether the sweep has deleted it or not; null until an export is stored.
  expires_at timestamptz,
  deleted_at timestamptz,
  sweep_at timestamptz not null default '-infinity',
  sweep_tries integer not null default 0
);
create index files_account on app.files (account_id, role, created_at);
create unique index files_job on app.files (job_id, place) where job_id is not null;
create index files_due on app.files (expires_at) where deleted_at is null;
create index files_kept_uploads on app.files (account_id)
  where role = 'upload' and deleted_at is null;
create index files_unconfirmed on app.files (created_at)
  where role = 'upload' and confirmed_at is null and deleted_at is null;
create index files_deleted_uploads on app.files (deleted_at)
  where role = 'upload' and deleted_at is not null;
alter table app.files enable row level security;
create trigger leave_out_closed before insert on app.files
  for each row execute function app.leave_out_closed();

-- Records an upload before its link is signed, within the plan's limits: `beyond` names the limit
-- that it would pass (`number`, `bytes`), with nothing recorded; null for none. No row for an
-- account that does not exist. The account's row is locked, so that requests for links at the same
-- time wait for each other.
create function app.record_upload(
  p_account uuid, p_bucket text, p_key text, p_filename text, p_type text, p_bytes bigint,
  p_hours integer
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
$$;
revoke all on function app.record_upload from public;

-- Records the outputs of a job, in the statement that completes it: an array of {bucket, key,
-- filename, content_type, format, size_bytes}. lib/jobs/transitions.py calls it.
create function app.record_outputs(
  p_account uuid, p_job uuid, p_at timestamptz, p_expires timestamptz, p_outputs jsonb
) returns void
language plpgsql set search_path = '' as $$
begin
  insert into app.files (account_id, role, job_id, place, bucket, key, filename, content_type,
    format, size_bytes, created_at, confirmed_at, expires_at)
  select p_account, 'output', p_job, o.number - 1, o.file ->> 'bucket', o.file ->> 'key',
         o.file ->> 'filename', o.file ->> 'content_type', o.file ->> 'format',
         (o.file ->> 'size_bytes')::bigint, p_at, p_at, p_expires
    from jsonb_array_elements(p_outputs) with ordinality o (file, number);
end
$$;
revoke all on function app.record_outputs from public;

-- Records the archive of an export that is about to be written; its id, or null for a closed account.
create function app.record_export(p_account uuid) returns uuid
language plpgsql set search_path = '' as $$
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
$$;
revoke all on function app.record_export from public;

-- Forgets a file that was recorded and never stored.
create function app.withdraw_file(p_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
  delete from app.files where id = p_id and confirmed_at is null;
end
$$;
revoke all on function app.withdraw_file from public;

-- Whether a job that has not ended reads the account's file at this address, other than `p_except`.
create function app.is_read(p_account uuid, p_address text, p_except uuid default null)
returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select from app.jobs j
     where j.account_id = p_account and j.status in ('pending', 'processing')
       and j.id is distinct from p_except
       and j.inputs @> jsonb_build_array(jsonb_build_object('url', p_address)));
end
$$;
revoke all on function app.is_read from public;

-- Lets the uploads that a job read expire within `p_seconds` of its end, except those that another job
-- still reads. lib/jobs/transitions.py calls it in the statement that ends the job.
create function app.expire_inputs(p_account uuid, p_job uuid, p_inputs jsonb, p_seconds integer)
returns void
language plpgsql set search_path = '' as $$
begin
  update app.files f
     set expires_at = least(f.expires_at, now() + make_interval(secs => p_seconds))
   where f.account_id = p_account and f.role = 'upload'
     and f.address = any(array(select i ->> 'url' from jsonb_array_elements(p_inputs) i))
     and not app.is_read(p_account, f.address, p_job);
end
$$;
revoke all on function app.expire_inputs from public;

-- Shortens the life of an account's files to the seconds that it chose; null leaves a kind as it is.
-- Uploads that go with the job that reads them (0) are left to it. lib/files/retention.py calls it.
create function app.shorten_files(p_account uuid, p_uploads integer, p_outputs integer) returns void
language plpgsql set search_path = '' as $$
begin
  update app.files f
     set expires_at = least(f.expires_at, f.created_at + make_interval(
           secs => case f.role when 'upload' then p_uploads else p_outputs end))
   where f.account_id = p_account and f.deleted_at is null
     and ((f.role = 'upload' and p_uploads > 0) or (f.role = 'output' and p_outputs is not null));
end
$$;
revoke all on function app.shorten_files from public;

-- What a job shows of its outputs: null until it has any. They expire together, with the first one.
create function app.outputs_of(p_job uuid) returns table (
  outputs jsonb, outputs_expire_at timestamptz, outputs_deleted_at timestamptz)
language plpgsql stable set search_path = '' as $$
begin
  return query
    select jsonb_agg(jsonb_build_object('url', f.address, 'filename', f.filename,
             'size_bytes', f.size_bytes, 'format', f.format) order by f.place),
           min(f.expires_at),
           case when bool_and(f.deleted_at is not null) then max(f.deleted_at) end
      from app.files f where f.job_id = p_job;
end
$$;
revoke all on function app.outputs_of from public;

-- Each file that was deleted: when, and why. An object's name holds ids, never the caller's filename.
create table app.deletions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  account_id uuid,
  bucket text not null,
  key text not null,
  reason text not null check (reason in ('expired', 'asked', 'orphan', 'missing', 'account'))
);
create index deletions_account on app.deletions (account_id, at);
alter table app.deletions enable row level security;

-- When the last sweep ended, for the status page.
create table app.last_sweep (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);
alter table app.last_sweep enable row level security;
