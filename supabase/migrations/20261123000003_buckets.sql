-- Private buckets, one folder per account inside each; files are reached by signed links only.
-- application/octet-stream lets a bare `curl -T file link`, which names no type, through: what the
-- bytes really are is decided by the probe at confirm.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
  ('uploads', 'uploads', false, 2040109465, array[
    'video/mp4', 'video/webm', 'video/quicktime', 'video/x-msvideo',
    'audio/mpeg', 'audio/mp4', 'audio/aac', 'audio/wav', 'audio/ogg', 'audio/opus', 'audio/flac',
    'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'application/octet-stream']),
  ('outputs', 'outputs', false, null, null)
on conflict (id) do update set
  public = excluded.public,
  file_size_limit = excluded.file_size_limit,
  allowed_mime_types = excluded.allowed_mime_types;
