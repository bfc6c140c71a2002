"""Files built byte by byte that refer to other files, forge what is said of them, or explode."""

from __future__ import annotations

import struct

from tests.rigs.hostile import files

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
STYLES = (
    "[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour,"
    " BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle,"
    " Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n"
)
TIMES = "1\n00:00:00,000 --> 00:00:02,000\n"


def media(url: str, port: int, path: str, written: str) -> dict[str, tuple[str, bytes]]:
    """{name: (extension, data)} of inputs that lead to `url`, `port` and `path`, or to `written`,
    where nothing must be written."""
    texts = {
        "playlist after a byte order mark": ("mp4", f"\ufeff#EXTM3U\n#EXTINF:1,\n{url}\n"),
        "concat script": ("mp4", f"ffconcat version 1.0\nfile {path}\nfile {url}\n"),
        "session description": (
            "mp4",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        ),
        "drawing of ImageMagick": (
            "jpg",
            "push graphic-context\nviewbox 0 0 64 64\n"
            f"image over 0,0 0,0 '{url}'\npop graphic-context\n",
        ),
        "subtitles as a video": ("mp4", f"WEBVTT\n\n00:00.000 --> 00:01.000\n{path}\n"),
        "playlist of a player": ("mp3", f"[playlist]\nFile1={url}\nNumberOfEntries=1\n"),
    }
    return {
        **{name: (extension, text.encode()) for name, (extension, text) in texts.items()},
        "movie that refers to another": ("mov", _reference_movie(url)),
        "movie with its data at a URL": ("mov", _data_elsewhere(b"url ", url.encode() + b"\0")),
        "movie with its data in a file": ("mov", _data_elsewhere(b"alis", files.alias(path))),
        "attachment with a path": ("webm", _matroska(written.encode(), b"attached")),
        "tag that forges a report": ("wav", _wav(b"x\n00:00:00.000 ")),
        "picture of ten billion pixels": ("png", files.png(100_000, 100_000, bytes(100_000))),
        "animation on a large canvas": ("gif", _gif(65_535, 65_535, 50)),
        "20,000 tracks": ("mp4", _tracks(20_000)),
        "boxes in boxes": ("mp4", _nested(3000)),
    }


def subtitles(url: str, path: str) -> dict[str, str]:
    """Subtitle files that lead to `url` and `path`, or explode."""
    entities = "".join(f'<!ENTITY {chr(98 + at)} "{f"&{chr(97 + at)};" * 12}">' for at in range(8))
    return {
        "fonts that are paths": _ass(path, f"{{\\fn{path}}}x{{\\fn/etc/passwd}}y{{\\fn@{path}}}z"),
        "a drawing that explodes": _ass(
            "Arial", "{\\p1\\bord200\\blur100}m 0 0 " + "b 9999 9999 0 99999 99999 0 " * 150
            + "{\\p0}",
        ),
        "a drawing of a long line": _ass(
            "Arial", "{\\p1\\bord200\\blur100}m 0 0 " + "b 9999 9999 0 99999 99999 0 " * 5000
        ),
        "a huge canvas": _ass(
            "Arial", "x", "PlayResX: 2147483647\nPlayResY: 1\nLayoutResX: 999999999\n"
        ),
        "a font tag that is a path": f'{TIMES}<font face="{path}" size="99999" color="#ff">x</font>'
        f"{{\\fn{path}}}\n",
        "a style sheet": "WEBVTT\n\nSTYLE\n::cue { background: "
        f"url({url}) }}\n@import '{url}';\n\n00:00.000 --> 00:02.000\n<c.x>hi</c>\n",
        "entities that explode": f'<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a "{"a" * 60}">'
        f'{entities}]><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        '<p begin="0s" end="2s">&i;</p></div></body></tt>',
        "broken XML": '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body>',
        "an entity of a file": f'<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a SYSTEM "file://{path}'
        '">]><tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0s" end="2s">&a;</p></div>'
        "</body></tt>",
        "120,000 braces in a line": TIMES + "{" * 120_000 + "\n",
        "braces in lines": TIMES + ("{" * 900 + "\n") * 3,
        "tags without end": TIMES + ("<b" * 450 + "\n") * 3,
        "classes without end": "WEBVTT\n\n00:00.000 --> 00:02.000\n" + ("<c." * 300 + "\n") * 3,
        "MicroDVD": f"{{1}}{{1}}25\n{{1}}{{50}}{{f:{path}}}{{s:9999}}x|y\n",
        "JSON": '{"info": {}, "styles": {}, "events": [{"start": 0, "end": 1000, "text": "x"}]}',
        "SAMI": "<SAMI><BODY><SYNC Start=0><P>x</P></BODY></SAMI>",
        "MPL2": "[0][20]x|y\n",
    }  # fmt: skip


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    """A box with a version and flags."""
    return _box(kind, struct.pack(">I", flags), *parts)


def _reference_movie(url: str) -> bytes:
    location = url.encode() + b"\0"
    reference = _full(b"rdrf", 0, b"url ", struct.pack(">I", len(location)), location)
    return _box(b"moov", _box(b"rmra", _box(b"rmda", reference)))


def _data_elsewhere(kind: bytes, location: bytes) -> bytes:
    """A QuickTime file whose one audio track says that its samples lie at `location`."""
    header = _full(
        b"mvhd", 0, struct.pack(">IIIIIH10x", 0, 0, 600, 600, 0x10000, 0x100), MATRIX, bytes(24),
        struct.pack(">I", 2),
    )  # fmt: skip
    track = _full(
        b"tkhd", 3, struct.pack(">IIIII", 0, 0, 1, 0, 600), bytes(16), MATRIX,
        struct.pack(">II", 0, 0),
    )  # fmt: skip
    sound = _box(b"raw ", bytes(6), struct.pack(">HHHIHHHHI", 1, 0, 0, 0, 1, 8, 0, 0, 8000 << 16))
    samples = _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), sound),
        _full(b"stts", 0, struct.pack(">III", 1, 30, 1)),
        _full(b"stsc", 0, struct.pack(">IIII", 1, 1, 30, 1)),
        _full(b"stsz", 0, struct.pack(">II", 1, 30)),
        _full(b"stco", 0, struct.pack(">II", 1, 0)),
    )
    references = _full(b"dref", 0, struct.pack(">I", 1), _full(kind, 0, location))
    information = _box(b"minf", _full(b"smhd", 0, bytes(4)), _box(b"dinf", references), samples)
    media_box = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, 8000, 8000, 0, 0)),
        _full(b"hdlr", 0, b"mhlrsoun", bytes(13)),
        information,
    )
    return (
        _box(b"ftyp", b"qt  \0\0\0\0qt  ")
        + _box(b"moov", header, _box(b"trak", track, media_box))
        + _box(b"mdat", b"\x80" * 64)
    )


def _element(identity: str, data: bytes) -> bytes:
    """An element of EBML, its size in eight bytes."""
    return bytes.fromhex(identity) + struct.pack(">Q", 1 << 56 | len(data)) + data


def _matroska(name: bytes, attached: bytes) -> bytes:
    """A Matroska file of some silence, and a font attached under a name of the caller's."""
    attachment = _element(
        "61A7",
        _element("466E", name) + _element("4660", b"application/x-truetype-font")
        + _element("465C", attached) + _element("46AE", b"\x01"),
    )  # fmt: skip
    audio = (
        _element("B5", struct.pack(">d", 8000.0)) + _element("9F", b"\x01")
        + _element("6264", b"\x10")
    )  # fmt: skip
    track = (
        _element("D7", b"\x01") + _element("73C5", b"\x01") + _element("83", b"\x02")
        + _element("86", b"A_PCM/INT/LIT") + _element("E1", audio)
    )  # fmt: skip
    scale = _element("2AD7B1", struct.pack(">I", 1_000_000))
    duration = _element("4489", struct.pack(">d", 200.0))
    cluster = _element("E7", b"\0") + _element("A3", b"\x81\0\0\x80" + bytes(3200))
    return _element("1A45DFA3", _element("4282", b"matroska")) + _element(
        "18538067",
        _element("1549A966", scale + duration) + _element("1654AE6B", _element("AE", track))
        + _element("1941A469", attachment) + _element("1F43B675", cluster),
    )  # fmt: skip


def _wav(title: bytes) -> bytes:
    """A WAV of a tenth of a second with a title."""
    title += b"\0" * (len(title) % 2)
    tags = b"INFOINAM" + struct.pack("<I", len(title)) + title
    body = (
        b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        + b"LIST" + struct.pack("<I", len(tags)) + tags
        + b"data" + struct.pack("<I", 1600) + bytes(1600)
    )  # fmt: skip
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _gif(width: int, height: int, frames: int) -> bytes:
    frame = b"!\xf9\4\0\1\0\0\0," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2D\1\0"
    header = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + header + b"\0\0\0\xff\xff\xff" + frame * frames + b";"


def _tracks(count: int) -> bytes:
    """An MP4 of very many tracks without samples."""
    track = _box(
        b"trak",
        _box(
            b"mdia",
            _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, 1, 1, 0, 0)),
            _full(b"hdlr", 0, b"mhlrvide", bytes(13)),
        ),
    )
    header = _full(b"mvhd", 0, struct.pack(">IIII", 0, 0, 600, 600), bytes(80))
    return _box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"moov", header, *[track] * count)


def _nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = _box(b"moov", data)
    return _box(b"ftyp", b"isom\0\0\2\0isom") + data


def _ass(font: str, text: str, info: str = "") -> str:
    style = f"Style: Default,{font},20,&H00FFFFFF,&H000000FF,&H0,&H0,0,0,0,0,100,100,0,0,1,2,2,2,"
    return (
        f"[Script Info]\n{info}ScriptType: v4.00+\n\n{STYLES}{style}10,10,10,1\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        f"Dialogue: 0,0:00:00.00,0:00:02.00,Default,,0,0,0,,{text}\n"
    )
