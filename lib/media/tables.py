"""What callers may ask of ffmpeg: flags, filters and their options. Extend by adding rows."""

from __future__ import annotations

from lib.media.values import (
    Kind,
    bitrate,
    choice,
    colour,
    expression,
    flags,
    gain,
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


_ONOFF = choice("0", "1")
_FADE: dict[str, Kind] = {"type": choice("in", "out"), "start_frame": integer(0, 10**7),
                          "nb_frames": integer(1, 10**7), "alpha": _ONOFF, "start_time": _span,
                          "duration": _span, "color": colour}  # fmt: skip
_AFADE: dict[str, Kind] = {"type": choice("in", "out"), "start_sample": integer(0, 10**9),
                           "nb_samples": integer(1, 10**9), "start_time": _span,
                           "duration": _span}  # fmt: skip
_TRIM: dict[str, Kind] = {"start": _span, "end": _span, "start_pts": integer(0, 10**9),
                          "end_pts": integer(0, 10**9), "duration": _span}  # fmt: skip


def _aliased(options: dict[str, Kind], **aliases: str) -> dict[str, Kind]:
    """Options, then their other names, which have no place of their own."""
    return options | {alias: options[name] for alias, name in aliases.items()}


FILTERS: dict[str, dict[str, Kind]] = {
    "scale": _aliased(
        _SIZE | {
            "flags": choice("fast_bilinear", "bilinear", "bicubic", "lanczos", "area", "neighbor"),
            "force_original_aspect_ratio": choice("disable", "decrease", "increase", "0", "1", "2"),
            "force_divisible_by": integer(1, 16),
        },
        width="w", height="h",
    ),
    "crop": _aliased(
        _SIZE | {"x": expression, "y": expression, "keep_aspect": _ONOFF, "exact": _ONOFF},
        out_w="w", out_h="h",
    ),
    "pad": _aliased(
        _SIZE | {"x": expression, "y": expression, "color": colour, "aspect": ratio},
        width="w", height="h",
    ),
    "fps": {"fps": rate},
    "setsar": _aliased({"sar": ratio, "max": integer(1, 10_000)}, ratio="sar", r="sar"),
    "setdar": _aliased({"dar": ratio, "max": integer(1, 10_000)}, ratio="dar", r="dar"),
    "format": {"pix_fmts": choice("yuv420p", "yuv422p", "yuv444p", "rgb24", "rgba", "gray",
                                  "yuva420p")},
    "transpose": {"dir": choice("0", "1", "2", "3", "cclock_flip", "clock", "cclock",
                                "clock_flip")},
    "hflip": {},
    "vflip": {},
    "fade": _aliased(_FADE, t="type", s="start_frame", n="nb_frames", st="start_time",
                     d="duration", c="color"),
    "afade": _aliased(_AFADE, t="type", ss="start_sample", ns="nb_samples", st="start_time",
                      d="duration"),
    "volume": {"volume": gain},
    "atempo": {"tempo": number(0.5, 100)},
    "concat": {"n": integer(1, 10), "v": integer(0, 1), "a": integer(0, 1)},
    "trim": _TRIM,
    "atrim": _TRIM,
    "setpts": {"expr": expression},
    "asetpts": {"expr": expression},
    "overlay": {"x": expression, "y": expression,
                "eof_action": choice("repeat", "endall", "pass"), "shortest": _ONOFF},
    "null": {},
    "anull": {},
}  # fmt: skip
"""Filter -> its options; the first ones stand in the order that ffmpeg takes them by position."""
