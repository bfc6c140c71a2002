"""Which files may be uploaded: their extensions, and the content types that programs give them.

Storage's bucket takes the same types, and the site's file fields the same extensions (`make
tables`). What a file really is, its probe says.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from lib.files import names
from lib.platform.errors import Problem

Kind = Literal["video", "audio", "image", "subtitles"]


class FileType(NamedTuple):
    """A kind of file: the type that the site sends is the first."""

    kind: Kind
    extensions: tuple[str, ...]
    types: tuple[str, ...]


def _of(kind: Kind, extensions: str, types: str) -> FileType:
    return FileType(kind, tuple(extensions.split()), tuple(types.split()))


FILE_TYPES = (
    _of("video", "mp4", "video/mp4"),
    _of("video", "m4v", "video/x-m4v video/mp4"),
    _of("video", "webm", "video/webm"),
    _of("video", "mov qt", "video/quicktime"),
    _of("video", "avi", "video/x-msvideo"),
    _of("video", "mkv", "video/x-matroska video/matroska"),
    _of("video", "mpg mpeg vob", "video/mpeg"),
    _of("video", "ts m2ts mts", "video/mp2t"),
    _of("video", "3gp", "video/3gpp audio/3gpp"),
    _of("video", "3g2", "video/3gpp2 audio/3gpp2"),
    _of("video", "flv", "video/x-flv"),
    _of("video", "wmv asf", "video/x-ms-wmv video/x-ms-asf"),
    _of("video", "ogv", "video/ogg"),
    _of("audio", "mp3", "audio/mpeg audio/mp3"),
    _of("audio", "m4a m4b", "audio/mp4 audio/x-m4a audio/m4a"),
    _of("audio", "aac", "audio/aac audio/x-aac"),
    _of("audio", "wav", "audio/wav audio/x-wav audio/wave audio/vnd.wave"),
    _of("audio", "ogg oga", "audio/ogg application/ogg"),
    _of("audio", "opus", "audio/opus audio/ogg"),
    _of("audio", "flac", "audio/flac audio/x-flac"),
    _of("audio", "weba", "audio/webm"),
    _of("audio", "mka", "audio/x-matroska audio/matroska"),
    _of("audio", "wma", "audio/x-ms-wma"),
    _of("audio", "aif aiff", "audio/aiff audio/x-aiff"),
    _of("audio", "amr", "audio/amr"),
    _of("audio", "caf", "audio/x-caf"),
    _of("audio", "ac3", "audio/ac3"),
    _of("audio", "eac3", "audio/eac3"),
    _of("image", "jpg jpeg jfif", "image/jpeg image/jpg"),
    _of("image", "png", "image/png"),
    _of("image", "gif", "image/gif"),
    _of("image", "webp", "image/webp"),
    _of("image", "heic", "image/heic"),
    _of("image", "heif", "image/heif"),
    _of("image", "avif", "image/avif"),
    _of("image", "jxl", "image/jxl"),
    _of("image", "tif tiff", "image/tiff"),
    _of("image", "bmp", "image/bmp image/x-ms-bmp"),
    _of("image", "apng", "image/apng"),
    _of("subtitles", "srt", "application/x-subrip text/srt application/srt text/plain"),
    _of("subtitles", "vtt", "text/vtt text/plain"),
    _of("subtitles", "ssa", "text/x-ssa text/plain"),
    _of("subtitles", "ass", "text/x-ass text/x-ssa text/plain"),
)
ANY = "application/octet-stream"
"""The type of what a program does not know; the extension must tell what it is."""
BY_EXTENSION = {each: entry for entry in FILE_TYPES for each in entry.extensions}
BY_NAME_ALONE = frozenset({ANY, "text/plain"})
"""Types that say nothing: the file's name must end in an extension of the table that goes by it."""
TYPES = frozenset({ANY, *(each for entry in FILE_TYPES for each in entry.types)})


def checked(content_type: str, filename: str) -> str:
    """The content type, in lower case and without parameters. Raises Problem 400."""
    essence = content_type.partition(";")[0].strip().lower()
    if essence not in TYPES:
        raise _refused(
            f"We don't read files of the type {essence[:100]!r}. `contentType` must be one of"
            f" {', '.join(sorted(TYPES))}."
        )
    entry = BY_EXTENSION.get(names.extension(filename))
    fits = entry is not None and (essence == ANY or essence in entry.types)
    if essence in BY_NAME_ALONE and not fits:
        known = sorted(
            each for each, entry in BY_EXTENSION.items() if essence in (ANY, *entry.types)
        )
        raise _refused(
            f"With `contentType` {essence}, `filename` must end in the file's extension, one of"
            f" .{', .'.join(known)}. Or send the file's own type."
        )
    return essence


def _refused(details: str) -> Problem:
    """In the sentence that official clients match (docs/contract.md, section 7.1)."""
    return Problem(
        "invalid_file_type",
        "Invalid file type. Only video, audio, or image files are allowed.",
        details,
    )
