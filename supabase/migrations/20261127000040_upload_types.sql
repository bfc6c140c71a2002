-- What may be uploaded: every type of lib/jobs/upload_types.py, which a test compares with this.
update storage.buckets
   set allowed_mime_types = array[
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
     'video/x-ms-wmv', 'video/x-msvideo']
 where id = 'uploads';
