"""Files that want to be read as something else, or that ask for more than themselves."""

from __future__ import annotations

import gzip
import io
import random
import struct
import subprocess
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from lib.media.run.ffmpeg import binary


def scripts(url: str, port: int, path: str) -> dict[str, bytes]:
    """Texts that some reader of ffmpeg's, or of others', follows: to `url`, `port` and `path`."""
    texts = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        "hls-file": f"#EXTM3U\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "hls-relative": "#EXTM3U\n#EXTINF:1,\n../../../../etc/passwd\n#EXT-X-ENDLIST\n",
        "hls-input0": "#EXTM3U\n#EXTINF:1,\ninput0\n#EXT-X-ENDLIST\n",
        "hls-concat": f"#EXTM3U\n#EXTINF:1,\nconcat:{path}|{url}\n#EXT-X-ENDLIST\n",
        "hls-key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1,\n{url}\n',
        "hls-map": f'#EXTM3U\n#EXT-X-MAP:URI="{url}"\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n',
        "hls-master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n",
        "hls-media": f'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="{url}"\n',
        "hls-bom": f"\ufeff#EXTM3U\n#EXTINF:1,\n{url}\n",
        "hls-crlf": f"\r\n#EXTM3U\r\n#EXTINF:1,\r\n{url}\r\n",
        "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        f' mediaPresentationDuration="PT1S"><Period><BaseURL>{url}</BaseURL><AdaptationSet'
        f' mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>",
        "sdp": f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=video {port} RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
        "ffconcat": f"ffconcat version 1.0\nfile {path}\n",
        "ffconcat-url": f"ffconcat version 1.0\nfile '{url}'\n",
        "ffconcat-option": f"ffconcat version 1.0\nfile {path}\noption safe 0\n",
        "concat-plain": f"file '{path}'\nfile '{url}'\n",
        "svg": '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
        f'<image href="{url}" width="9" height="9"/><image href="file://{path}"/></svg>',
        "svg-entity": f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://{path}">]>'
        '<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
        "xml-bomb": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "x">'
        + "".join(
            f'<!ENTITY {b} "{"&" + a + ";" * 1}{"&" + a + ";"}">'
            for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "]><a>&i;</a>",
        "fb2": f'<?xml version="1.0"?><FictionBook><image href="{url}"/></FictionBook>',
        "smil": f'<smil><body><video src="{url}"/></body></smil>',
        "asx": f'<ASX version="3.0"><ENTRY><REF HREF="{url}"/></ENTRY></ASX>',
        "asf-reference": f"[Reference]\r\nRef1={url}\r\nRef2=file://{path}\r\n",
        "ram": f"{url}\nrtsp://127.0.0.1:{port}/x\n",
        "rm-pnm": f"pnm://127.0.0.1:{port}/x.rm\n",
        "rtsptext": f"RTSPtext\nrtsp://127.0.0.1:{port}/x\n",
        "quicktime-link": f'<?xml version="1.0"?><?quicktime type="application/x-quicktime-media'
        f'-link"?><embed src="{url}"/>',
        "pls": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        "xspf": f'<playlist version="1"><trackList><track><location>{url}</location></track>'
        "</trackList></playlist>",
        "wpl": f'<?wpl version="1.0"?><smil><body><seq><media src="{url}"/></seq></body></smil>',
        "cue": f'FILE "{path}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "f4m": '<?xml version="1.0"?><manifest xmlns="http://ns.adobe.com/f4m/1.0">'
        f'<media url="{url}"/></manifest>',
        "ism": f'<SmoothStreamingMedia><StreamIndex Type="video" Url="{url}"/>'
        "</SmoothStreamingMedia>",
        "imf-cpl": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/'
        f'schemas/2067-3/2016"><Id>urn:uuid:0</Id><Path>{url}</Path></CompositionPlaylist>',
        "imf-assetmap": '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/'
        f'429-9/2007/AM"><Path>{path}</Path></AssetMap>',
        "ffmetadata": f";FFMETADATA1\ntitle={url}\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\n",
        "lavfi": f"movie={path}\n",
        "avisynth": f'FFVideoSource("{path}")\n',
        "vapoursynth": f"import os; os.system('cat {path}')\n",
        "shell": f"#!/bin/sh\ncat {path}; curl {url}\n",
        "mvg": f"push graphic-context\nimage over 0,0 0,0 'url({url})'\npop graphic-context\n",
        "msl": f'<?xml version="1.0"?><image><read filename="{path}"/></image>',
        "postscript": f"%!PS\n({path}) (r) file\n",
        "srt": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
        "ass": "[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:0:0,0:0:1,a,,0,0,0,,x\n",
        "webvtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n",
        "lrc": "[00:00.00]hello\n",
        "idx": f"# VobSub index file, v7\nid: en, index: 0\n{path}\n",
        "subviewer": "[INFORMATION]\n[TITLE]x\n00:00:00.00,00:00:01.00\nhello\n",
        "ansi": "\x1b[31mhello\x1b[0m\n" * 50,
        "framecrc": "#tb 0: 1/25\n0, 0, 0, 1, 100, 0x0\n",
        "html": "<!doctype html><html><body><h1>404</h1></body></html>",
        "json": '{"url": "' + url + '"}',
        "plain": "no media at all\n" * 100,
    }
    return {name: text.encode() for name, text in texts.items()}


def broken(clip: Path) -> dict[str, bytes]:
    """Bytes that are not media, or no longer."""
    data = clip.read_bytes()
    noise = random.Random(7)
    half = len(data) // 2
    return {
        "one byte": b"\0",
        "zeroes": bytes(100_000),
        "ones": b"\xff" * 100_000,
        "random": noise.randbytes(100_000),
        "truncated": data[:half],
        "ends only": data[:4000],
        "noise within": data[:2000] + noise.randbytes(len(data) - 4000) + data[-2000:],
        "ftyp only": data[: struct.unpack(">I", data[:4])[0]],
        "moov larger than the file": data[:32] + struct.pack(">I4s", 2**31, b"moov") + data[40:],
        "64-bit box": data[:32] + struct.pack(">I4sQ", 1, b"moov", 2**63) + data[40:400],
        "boxes in boxes": nested_boxes(2000),
        "ebml bomb": b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" * 2000,
        "zip": _zip({"META-INF/container.xml": b"<x/>", "x.mp4": data[:1000]}),
        "epub": _zip({"mimetype": b"application/epub+zip", "OEBPS/x.xhtml": b"<img src='x'/>"}),
        "zip bomb": _zip({"x": bytes(20_000_000)}),
        "gzip": gzip.compress(data),
        "tar": _tar("../../../{stray}", b"x"),
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>",
        "elf": b"\x7fELF\x02\x01\x01" + bytes(2000),
        "id3 with nothing": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(5000),
        "riff claims 4 GB": b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(40),
        "avi header": b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrl" + bytes(100),
        "gif header": b"GIF89a\xff\xff\xff\xff\xf7\0\0",
        "jpeg header": bytes.fromhex("ffd8ffc0001108ffffffff03012200021101031101"),
        "png cut": png(64, 64)[:50],
        "ogg pages": b"OggS\0\x02" + b"\xff" * 3000,
        "flac header": b"fLaC\x80\xff\xff\xff" + bytes(100),
        "asf header": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\xff" * 500,
        "rm header": b".RMF\0\0\0\x12\0\0\0\0\0\0\0\0\0\x05" + b"\xff" * 500,
        "mpegts sync": (b"\x47" + b"\xff" * 187) * 300,
        "swf": b"FWS\x09" + bytes(500),
        "webp header": b"RIFF\x10\0\0\0WEBPVP8X" + b"\xff" * 20,
        "tiff loop": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(50),
        "bmp huge": b"BM" + struct.pack("<IIIIiiHHI", 100, 0, 54, 40, 2**30, 2**30, 1, 24, 0),
    }  # fmt: skip


def png(width: int, height: int, data: bytes | None = None, extra: bytes = b"") -> bytes:
    """A PNG of one grey; a header alone where it is too large for its `data`."""
    rows = data if data is not None else (b"\0" + bytes(width)) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gif(frames: int) -> bytes:
    """A GIF of one pixel and very many frames."""
    frame = (
        b"\x21\xf9\x04\0\x01\0\0\0"  # 1/100 s
        b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    )
    return b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def silence(seconds: float) -> bytes:
    """A WAV of low rate: a long file of few bytes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 1, 4000, 0, "NONE", ""))
        file.writeframes(b"\x80" * int(4000 * seconds))
    return buffer.getvalue()


def nested_boxes(depth: int) -> bytes:
    """An MP4 whose boxes lie in each other, very deep."""
    data = b""
    for _ in range(depth):
        data = struct.pack(">I4s", len(data) + 8, b"udta") + data
    return (
        struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
        + struct.pack(">I4s", len(data) + 8, b"moov")
        + data
    )


def with_reference(clip: bytes, kind: bytes, location: bytes) -> bytes:
    """The clip, its tracks' data said to lie elsewhere (dref); its moov must come last."""
    entry = struct.pack(">I4sI", len(location) + 12, kind, 0) + location
    box = struct.pack(">I4sII", len(entry) + 16, b"dref", 0, 1) + entry
    return _replaced(clip, [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"], box)


def alias(path: str) -> bytes:
    """An `alis` record with an absolute path and a volume, as QuickTime writes them."""
    name = path.rpartition("/")[2].encode()[:63]
    record = bytes(10) + bytes([3]) + b"vol".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">HH", 0, 0)
    record += bytes(16)
    for kind, text in ((2, path.encode()), (0, b"/")):
        record += struct.pack(">HH", kind, len(text)) + text + bytes(len(text) % 2)
    return record + struct.pack(">HH", 0xFFFF, 0)


def _replaced(data: bytes, path: Sequence[bytes], box: bytes) -> bytes:
    """Boxes with each box at `path` replaced, the sizes around it mended."""
    out = b""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        whole = data[at : at + size]
        if kind == path[0]:
            if len(path) == 1:
                whole = box
            else:
                inner = _replaced(whole[8:], path[1:], box)
                whole = struct.pack(">I4s", len(inner) + 8, kind) + inner
        out += whole
        at += size
    return out


def linked_matroska(data: bytes, uri: bytes) -> bytes:
    """A Matroska file that names a next file, in place of who wrote it (sizes stay)."""
    muxer = data.index(b"\x4d\x80")  # MuxingApp, then WritingApp (0x5741): each has one size byte
    end = muxer + 3 + (data[muxer + 2] & 0x7F)
    assert data[end : end + 2] == b"\x57\x41"
    end += 3 + (data[end + 2] & 0x7F)
    room = end - muxer - 4 - 2
    name = uri[:room]
    element = b"\x3e\x83\xbb" + bytes([0x80 | len(name)]) + name
    filler = end - muxer - len(element) - 2
    return data[:muxer] + element + b"\xec" + bytes([0x80 | filler]) + bytes(filler) + data[end:]


def ffmpeg(folder: Path, name: str, *arguments: str) -> Path:
    """A file made by ffmpeg itself."""
    path = folder / name
    subprocess.run(
        [str(binary()), "-loglevel", "error", "-nostdin", "-y", *arguments, str(path)], check=True
    )
    return path


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
