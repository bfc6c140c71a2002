"""The argument lists, whole: what ffmpeg gets for each format and each kind of request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib.media.formats import FORMATS
from lib.media.model import Probe
from lib.media.plan.argv import argv
from lib.media.plan.guards import guards
from tests.rigs.media.plans import ask, options, planned, sound, still, video

GOLDEN = Path(__file__).parent / "golden_argv.json"
"""Made by `python -m tests.unit.media.plan.test_argv`; read the difference before you keep it."""

_MEDIUM = {"quality": "medium", "resolution": "480p"}
CASES: dict[str, tuple[list[Probe], dict[str, Any]]] = (
    {f"{name} by default": ([video()], {"output_format": name}) for name in FORMATS}
    | {
        f"{name} {quality} {resolution}": (
            [video(3840, 2160)],
            {
                "output_format": name,
                "preset": {"quality": quality, "resolution": resolution},
            },
        )
        for name in ("mp4", "webm", "avi", "mp3", "jpeg")
        for quality, resolution in (("high", "4k"), ("medium", "1080p"), ("low", "480p"))
    }
    | {
        "silent video": ([video(sound=False)], {}),
        "sound to mp4": ([sound()], {}),
        "still to mp4": ([still()], {}),
        "surround to webm": ([sound(channels="7.1")], {"output_format": "webm"}),
        "joined": (
            [video(), video(640, 480, sound=False, seconds=3, fps=60.0), still(), sound(4)],
            {"preset": _MEDIUM},
        ),
        "joined to gif": ([video(), still()], {"output_format": "gif"}),
        "joined to mp3": ([video(), sound(), still()], {"output_format": "mp3"}),
        "first of several to png": ([still(), video()], {"output_format": "png"}),
        "raw": (
            [video()],
            {"options": options(("-c:v", "copy"), "-an", ("-ss", 1), ("-f", "mp4"))},
        ),
        "raw to mp3": ([video()], {"output_format": "mp3", "options": options(("-q:a", 2))}),
        "raw slideshow": (
            [still(), sound()],
            {
                "input_options": [options(("-loop", 1), ("-framerate", 30)), None],
                "options": options(("-c:v", "libx264"), "-shortest", ("-t", 5)),
            },
        ),
        "graph": (
            [video(), still()],
            {"filters": [{"filter": "[0:v][1:v]overlay=10:main_h-overlay_h-10[v]"}]},
        ),
        "graph to jpeg": (
            [video()],
            {"output_format": "jpg", "filters": [{"filter": "[0:v]hflip[v]"}]},
        ),
        "wav": ([Probe("wav", 9, 3.0, None, sound().audio)], {"output_format": "flac"}),
    }
)


def arguments_of(name: str) -> list[str]:
    """The argument list of a case, the guards before each -i shown as one word."""
    probes, fields = CASES[name]
    arguments = argv(
        planned(ask(inputs=len(probes), **fields), probes),
        [f"/job/input{number}" for number in range(len(probes))],
        "/job/output",
    )
    text = "\n".join(arguments)
    return text.replace("\n".join(guards("x")), "GUARDS").split("\n")


@pytest.mark.parametrize("name", CASES)
def test_argument_lists(name: str) -> None:
    assert arguments_of(name) == json.loads(GOLDEN.read_text())[name].split(" | ")


def test_every_input_is_guarded() -> None:
    probes = [video(), sound(), still()]
    arguments = argv(planned(ask(inputs=3), probes), ["a", "b", "c"], "o")
    assert arguments.count("-format_whitelist") == arguments.count("-i") == 3
    listed = arguments[arguments.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "dash", "concat", "sdp", "lavfi", "data", "tty", "rawvideo"} & set(listed)
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file"


@pytest.mark.parametrize(("count", "threads"), [(10, 0), (11, 11)])
def test_many_inputs_are_decoded_in_a_thread_each(count: int, threads: int) -> None:
    graph = "".join(f"[{n}:v]" for n in range(count)) + f"concat=n={count}[v]"
    request = ask(
        inputs=count, options=options(("-filter_complex", graph), ("-map", "[v]")), filters=None
    )
    plan = planned(request, [video()] * count)
    arguments = argv(plan, [f"input{n}" for n in range(count)], "out.mp4")
    before = arguments[: len(arguments) - arguments[::-1].index("-i")]
    assert before.count("-threads") == threads


if __name__ == "__main__":
    GOLDEN.write_text(
        json.dumps({name: " | ".join(arguments_of(name)) for name in CASES}, indent=1) + "\n"
    )
