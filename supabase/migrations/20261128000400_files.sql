-- Stored files: the private buckets, uploads, and the record of deletions.

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
  -- An account's own data as one archive (app.exports).
  ('exports', 'exports', false, null, null)
on conflict (id) do update set
  public = excluded.public,
  file_size_limit = excluded.file_size_limit,
  allowed_mime_types = excluded.allowed_mime_types;

-- A file that a caller got an upload link for. `confirmed_at` is null until we have read the bytes.
create table app.uploads (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Key inside the bucket: <account id>/<filename>
  object_name text not null unique,
  filename text not null,
  content_type text not null,
  declared_bytes bigint not null,
  size_bytes bigint,
  probe jsonb,
  -- Storage's version of the object that `probe` and `size_bytes` describe.
  version text,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz,
  -- Not served from then on, whether the sweep has deleted it or not.
  expires_at timestamptz not null default now() + interval '3 days',
  deleted_at timestamptz,
  sweep_at timestamptz not null default '-infinity',
  sweep_tries integer not null default 0
);
create index uploads_account on app.uploads (account_id, created_at);
create index uploads_due on app.uploads (expires_at) where deleted_at is null;
create index uploads_kept on app.uploads (account_id) where deleted_at is null;
create index uploads_unconfirmed on app.uploads (created_at)
  where confirmed_at is null and deleted_at is null;
create index uploads_deleted on app.uploads (deleted_at) where deleted_at is not null;
alter table app.uploads enable row level security;
create trigger leave_out_closed before insert on app.uploads
  for each row execute function app.leave_out_closed();

-- Records an upload before its link is signed, within the plan's limits: `beyond` names the limit
-- that it would pass (`number`, `bytes`), with nothing recorded; null for none. No row for an
-- account that does not exist. The account's row is locked, so that requests for links at the same
-- time wait for each other. lib/files/uploads.py calls it.
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

-- Each file that was deleted: when, and why. An object's name holds ids, never the caller's filename.
create table app.deletions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  account_id uuid,
  bucket text not null,
  object_name text not null,
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
