"""What callers may ask of ffmpeg: flags, filters and their options. Extend by adding rows."""

from __future__ import annotations

from lib.media.values import (
    Kind,
    bitrate,
    choice,
    colour,
    expression,
    flags,
    integer,
    number,
    rate,
    ratio,
    seconds,
    signed_time,
    time,
)  # fmt: skip

VIDEO_CODECS = {
    "libx264": "libx264", "h264": "libx264", "libx265": "libx265", "hevc": "libx265",
    "h265": "libx265", "libvpx-vp9": "libvpx-vp9", "vp9": "libvpx-vp9", "mpeg4": "mpeg4",
    "mjpeg": "mjpeg", "png": "png", "gif": "gif", "libwebp": "libwebp", "webp": "libwebp",
    "copy": "copy",
}  # fmt: skip
AUDIO_CODECS = {
    "aac": "aac", "libmp3lame": "libmp3lame", "mp3": "libmp3lame", "libopus": "libopus",
    "opus": "libopus", "libvorbis": "libvorbis", "vorbis": "libvorbis", "flac": "flac",
    "pcm_s16le": "pcm_s16le", "copy": "copy",
}  # fmt: skip


def _codec(table: dict[str, str]) -> Kind:
    def parse(text: str) -> str:
        if text not in table:
            raise ValueError(f"one of {', '.join(table)}")
        return table[text]

    return parse


def _any_codec(text: str) -> str:
    if text != "copy":
        raise ValueError("copy; name the codecs with -c:v and -c:a")
    return text


FLAG_ONLY = frozenset({"-an", "-vn", "-shortest"})
"""Flags that take no argument."""

GRAPHS = frozenset({"-vf", "-af"})
"""Flags whose argument is a filter graph."""

OUTPUT: dict[str, Kind] = {
    "-c": _any_codec,
    "-c:v": _codec(VIDEO_CODECS),
    "-c:a": _codec(AUDIO_CODECS),
    "-crf": integer(0, 63),
    "-preset": choice(
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ),
    "-b:v": bitrate,
    "-b:a": bitrate,
    "-pix_fmt": choice("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuva420p", "rgb24", "rgba",
                       "gray"),
    "-r": rate,
    "-ss": time,
    "-t": time,
    "-to": time,
    "-movflags": flags("faststart", "frag_keyframe", "empty_moov"),
    "-f": choice("mp4", "webm", "mov", "avi", "mp3", "ipod", "adts", "wav", "ogg", "opus", "flac",
                 "image2", "gif", "webp"),
    "-ac": integer(1, 8),
    "-ar": integer(8000, 96000),
    "-q:v": integer(1, 31),
    "-q:a": integer(0, 10),
    "-frames:v": integer(1, 100_000),
    "-loop": integer(0, 100),
}  # fmt: skip

INPUT: dict[str, Kind] = {
    "-ss": time,
    "-t": time,
    "-to": time,
    "-itsoffset": signed_time,
    "-stream_loop": integer(-1, 100),
    "-loop": choice("0", "1"),
    "-framerate": rate,
}

ALIASES = {"-codec": "-c", "-codec:v": "-c:v", "-codec:a": "-c:a", "-vcodec": "-c:v",
           "-acodec": "-c:a", "-filter:v": "-vf", "-filter:a": "-af", "-qscale:v": "-q:v",
           "-vframes": "-frames:v"}  # fmt: skip

_SIZE: dict[str, Kind] = {"w": expression, "h": expression}
_IN_OUT = choice("in", "out")


def _span(text: str) -> str:
    return f"{seconds(text):g}"


FILTERS: dict[str, dict[str, Kind]] = {
    "scale": _SIZE | {
        "flags": choice("fast_bilinear", "bilinear", "bicubic", "lanczos", "area", "neighbor"),
        "force_original_aspect_ratio": choice("disable", "decrease", "increase", "0", "1", "2"),
        "force_divisible_by": integer(1, 16),
    },
    "crop": _SIZE | {"x": expression, "y": expression, "exact": choice("0", "1")},
    "pad": _SIZE | {"x": expression, "y": expression, "color": colour, "aspect": ratio},
    "fps": {"fps": rate},
    "setsar": {"sar": ratio},
    "setdar": {"dar": ratio},
    "format": {"pix_fmts": choice("yuv420p", "yuv422p", "yuv444p", "rgb24", "rgba", "gray",
                                  "yuva420p")},
    "transpose": {"dir": choice("0", "1", "2", "3", "cclock_flip", "clock", "cclock",
                                "clock_flip")},
    "hflip": {},
    "vflip": {},
    "fade": {"type": _IN_OUT, "start_frame": integer(0, 10**7), "nb_frames": integer(1, 10**7),
             "alpha": choice("0", "1"), "start_time": _span, "duration": _span, "color": colour,
             "t": _IN_OUT, "st": _span, "d": _span},
    "afade": {"type": _IN_OUT, "start_sample": integer(0, 10**10),
              "nb_samples": integer(1, 10**10), "start_time": _span, "duration": _span,
              "t": _IN_OUT, "st": _span, "d": _span},
    "volume": {"volume": number(0, 20)},
    "atempo": {"tempo": number(0.5, 100)},
    "concat": {"n": integer(1, 10), "v": integer(0, 1), "a": integer(0, 1)},
    "trim": {"start": _span, "end": _span, "duration": _span},
    "atrim": {"start": _span, "end": _span, "duration": _span},
    "setpts": {"expr": expression},
    "asetpts": {"expr": expression},
    "overlay": {"x": expression, "y": expression, "shortest": choice("0", "1"),
                "eof_action": choice("repeat", "endall", "pass")},
    "null": {},
    "anull": {},
}  # fmt: skip
"""Filter -> its options in the order in which ffmpeg takes them by position."""
