"""The files that the workflows begin with, all made by ffmpeg: small, and none like another."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lib.media.run.ffmpeg import binary

_H264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
_AAC = ["-c:a", "aac", "-b:a", "128k"]
_TONE = "sine=frequency={}:sample_rate={}"
# Two words with a pause of more than a second between them, and silence at either end.
_VOICE = (
    "aevalsrc='0.4*sin(2*PI*(180+40*sin(9*t))*t)*abs(sin(5*t))"
    "*(between(t,0.5,2)+between(t,3.4,4.6))':s=44100:d=5"
)
_MUSIC = "aevalsrc='0.2*sin(2*PI*261*t)+0.1*sin(2*PI*392*t)|0.2*sin(2*PI*329*t)':s=44100:d=8"
_STRIPED = "testsrc2=s={}:r=1:d=1,hue=h={}:s=0.6,gblur=3"
_SIGN = (
    "color=c=black@0:s=160x80:r=1:d=1,format=rgba,"
    "drawbox=x=20:y=10:w=120:h=60:color=orange@0.9:t=fill:replace=1,"
    "drawbox=x=40:y=30:w=80:h=20:color=white:t=fill:replace=1"
)
_GREEN = (
    "color=c=0x00ff00:s=320x180:r=25:d=3[screen];"
    "testsrc2=s=120x120:r=25:d=3[person];[screen][person]overlay=x=40+20*t:y=30"
)

CAPTIONS = """1
00:00:00,200 --> 00:00:01,500
The first line

2
00:00:01,700 --> 00:00:03,500
and the second one.
"""

_RECIPES: dict[str, list[str]] = {
    # 16:9 with stereo sound, as most clips are
    "clip.mp4": [
        "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4",
        "-f", "lavfi", "-i", _TONE.format(440, 48000), "-t", "4", *_H264, *_AAC, "-ac", "2",
        "-metadata", "title=A clip", "-metadata", "artist=Somebody",
    ],
    "hd.mp4": [
        "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=1",
        "-f", "lavfi", "-i", _TONE.format(440, 48000), "-t", "1", *_H264, *_AAC,
    ],
    # another size, rate and layout than clip.mp4
    "second.mp4": [
        "-f", "lavfi", "-i", "smptehdbars=s=480x270:r=30:d=3",
        "-f", "lavfi", "-i", _TONE.format(660, 44100), "-t", "3", *_H264, *_AAC, "-ac", "1",
    ],
    # as clip.mp4, so that one can follow the other
    "third.mp4": [
        "-f", "lavfi", "-i", "testsrc=s=640x360:r=25:d=3",
        "-f", "lavfi", "-i", _TONE.format(550, 48000), "-t", "3", *_H264, *_AAC, "-ac", "2",
    ],
    "silent.mp4": ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=3", *_H264],
    # upright, as phones hold it: stored lying, and marked to be turned
    "phone.mov": [
        "-display_rotation", "90", "-i", "{clip.mp4}", "-t", "3", "-c", "copy",
    ],
    "capture.mkv": ["-i", "{clip.mp4}", "-c", "copy"],
    "interlaced.mp4": [
        "-f", "lavfi", "-i", "testsrc2=s=320x180:r=50:d=3", "-vf", "tinterlace=interleave_top",
        *_H264, "-flags", "+ilme+ildct",
    ],
    "green.mp4": ["-filter_complex", _GREEN, *_H264, "-crf", "18"],
    "grainy.mp4": [
        "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2,noise=alls=20:allf=t+u:all_seed=1",
        *_H264,
    ],
    "recording.webm": [
        "-f", "lavfi", "-i", "testsrc2=s=480x270:r=25:d=2",
        "-f", "lavfi", "-i", _TONE.format(440, 48000), "-t", "2",
        "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k",
        "-c:a", "libopus",
    ],
    "sticker.gif": [
        "-f", "lavfi", "-i", "testsrc2=s=200x150:r=10:d=2", "-vf",
        "split[a][b];[a]palettegen[p];[b][p]paletteuse",
    ],
    "voice.wav": ["-f", "lavfi", "-i", _VOICE, "-c:a", "pcm_s16le"],
    "music.mp3": ["-f", "lavfi", "-i", _MUSIC, "-c:a", "libmp3lame", "-b:a", "128k"],
    # left and right differ
    "interview.wav": [
        "-f", "lavfi", "-i", "aevalsrc='0.3*sin(2*PI*300*t)|0.1*sin(2*PI*500*t)':s=48000:d=3",
    ],
    "photo.jpg": ["-f", "lavfi", "-i", _STRIPED.format("640x480", 0), "-frames:v", "1"],
    "portrait.jpg": ["-f", "lavfi", "-i", _STRIPED.format("360x480", 120), "-frames:v", "1"],
    "wide.png": ["-f", "lavfi", "-i", _STRIPED.format("800x400", 240), "-frames:v", "1"],
    "logo.png": ["-f", "lavfi", "-i", _SIGN, "-frames:v", "1", "-pix_fmt", "rgba"],
}  # fmt: skip
"""The arguments of ffmpeg for each; {name} is a file made before."""


def make(folder: Path) -> Path:
    """Make all files in `folder`, which is there; the folder."""
    for name, recipe in _RECIPES.items():
        arguments = [
            str(folder / part[1:-1]) if part[1:-1] in _RECIPES else part for part in recipe
        ]
        subprocess.run(
            [str(binary()), "-loglevel", "error", "-nostdin", "-y", *arguments, str(folder / name)],
            check=True,
        )
    (folder / "captions.srt").write_text(CAPTIONS)
    return folder
