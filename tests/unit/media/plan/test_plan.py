"""From request and probes to a plan: sizes, streams, sources, what is metered."""

from __future__ import annotations

from typing import Any

import pytest

from lib.media.errors import MediaError, Refused
from lib.media.model import Audio, Probe
from lib.media.plan.argv import argv
from lib.media.plan.model import Plan
from lib.media.plan.price import billable_seconds, lane
from lib.media.request.check import check
from tests.rigs.media.plans import ask, options, planned, sound, still, video


def flag(plan: Plan, name: str) -> str | None:
    """The argument of a flag of the output."""
    return dict(plan.output.options).get(name)


@pytest.mark.parametrize(
    ("probe", "resolution", "filters"),
    [
        (video(1280, 720), "480p", "scale=854:480,setsar=1"),
        (video(720, 1280), "480p", "scale=480:854,setsar=1"),
        (video(1280, 720, rotation=90), "480p", "scale=480:854,setsar=1"),
        (video(1280, 720, rotation=180), "480p", "scale=854:480,setsar=1"),
        (video(1280, 720), "720p", None),
        (video(1280, 720), "4k", None),
        (video(640, 360), "1080p", None),
        (video(640, 360), None, None),
        (video(641, 361), None, "scale=640:360,setsar=1"),
        (video(641, 361), "1080p", "scale=640:360,setsar=1"),
        (video(7680, 4320), "4k", "scale=3840:2160,setsar=1"),
        (video(720, 576, sample_aspect=64 / 45), None, "scale=1024:576,setsar=1"),
        (video(1, 1), None, "scale=2:2,setsar=1"),
        (video(4000, 10), "480p", None),
    ],
)
def test_sizes(probe: Probe, resolution: str | None, filters: str | None) -> None:
    preset = {"quality": "medium"} | ({"resolution": resolution} if resolution else {})
    assert flag(planned(ask(preset=preset), [probe]), "-vf") == filters


def test_images_keep_odd_sizes() -> None:
    assert flag(planned(ask("png"), [still(641, 361)]), "-vf") is None
    smaller = planned(ask("png", preset={"resolution": "480p"}), [still(4001, 1001)])
    assert flag(smaller, "-vf") == "scale=1918:480,setsar=1"


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({}, "defaults"),
        ({"preset": {"quality": "high"}}, "preset"),
        ({"preset": {"quality": "high"}, "options": options(("-crf", 30))}, "raw_options"),
        ({"options": []}, "defaults"),
        ({"filters": [{"filter": "hflip"}]}, "defaults"),
    ],
)
def test_where_the_options_come_from(fields: dict[str, Any], source: str) -> None:
    plan = planned(ask(**fields), [video()])
    assert plan.source == source
    assert (plan.preset is not None) == (source == "preset")


@pytest.mark.parametrize(("quality", "crf"), [("high", "18"), ("medium", "23"), ("low", "28")])
def test_qualities(quality: str, crf: str) -> None:
    assert flag(planned(ask(preset={"quality": quality}), [video()]), "-crf") == crf


def test_sound_formats_ignore_the_picture_half_of_a_preset() -> None:
    preset = {"quality": "medium", "resolution": "1080p"}
    plan = planned(ask("mp3", preset=preset), [video()])
    assert plan.output.options == [("-map", "0:a:0"), ("-c:a", "libmp3lame"), ("-b:a", "192k")]


@pytest.mark.parametrize(
    ("output_format", "probe", "word"),
    [
        ("mp3", video(sound=False), "no audio"),
        ("mp3", still(), "no audio"),
        ("png", sound(), "no video track"),
        ("gif", sound(), "no video track"),
    ],
)
def test_missing_streams_are_said(output_format: str, probe: Probe, word: str) -> None:
    for probes in ([probe], [probe, probe]):
        with pytest.raises(MediaError, match=word) as error:
            planned(ask(output_format, len(probes)), probes)
        assert error.value.category == "validation"


def test_cover_art_is_no_video() -> None:
    cover = video(300, 300, attached=True)
    plan = planned(ask("mp4"), [cover])
    assert ("-map", "0:v:0") not in plan.output.options
    assert planned(ask("png"), [cover]).output.options[0] == ("-map", "0:v:0")


def test_surround_sound_becomes_a_layout_that_encoders_take() -> None:
    assert flag(planned(ask("opus"), [sound(channels="5.1(side)")]), "-af") is not None
    assert flag(planned(ask("flac"), [sound(channels="5.1(side)")]), "-af") is None
    assert flag(planned(ask("opus"), [sound()]), "-af") is None


def test_a_shorter_output_is_suspect_only_when_all_streams_are_in_it() -> None:
    assert planned(ask("mp4"), [video()]).output.complete
    assert planned(ask("mp3"), [sound()]).output.complete
    assert not planned(ask("mp3"), [video()]).output.complete  # its sound may rightly end before
    assert not planned(ask("mp4", input_options=[options(("-t", 3))]), [video()]).output.complete
    guessed = Probe("mp3", 1000, 72.8, None, sound().audio, estimated=True)
    assert not planned(ask("mp3"), [guessed]).output.complete


@pytest.mark.parametrize(
    ("request_", "probes", "seconds"),
    [
        (ask(), [video(seconds=19)], 19),
        (ask(inputs=3), [video(seconds=5), still(), sound(7)], 15),  # the still is shown for 3 s
        (ask("png"), [still()], 0),
        (ask(options=options(("-ss", 4))), [video(seconds=19)], 15),
        (ask(options=options(("-ss", 4), ("-to", 10))), [video(seconds=19)], 6),
        (ask(options=options(("-t", "00:00:05"))), [video(seconds=19)], 5),
        (ask(options=options(("-t", 100))), [video(seconds=19)], 19),
        (ask(options=options(("-ss", 30))), [video(seconds=19)], 0),
        (ask(input_options=[options(("-ss", 2), ("-t", 8))]), [video(seconds=19)], 8),
        (ask(input_options=[options(("-ss", 15), ("-t", 8))]), [video(seconds=19)], 4),
        (
            ask(input_options=[options(("-t", 8))], options=options(("-t", 3))),
            [video(seconds=19)],
            3,
        ),
        (ask(input_options=[options(("-stream_loop", 2))]), [video(seconds=5)], 15),
        (
            ask(input_options=[options(("-stream_loop", -1))], options=options(("-t", 60))),
            [video(seconds=5)],
            60,
        ),
        (ask(), [None], None),
        (ask(inputs=2), [video(), None], None),
        (ask(options=options(("-t", 5))), [None], 5),
    ],
)
def test_billable_seconds(request_: Any, probes: list[Probe | None], seconds: float | None) -> None:
    assert billable_seconds(check(request_), probes) == seconds


@pytest.mark.parametrize(
    ("probes", "name"),
    [
        ([video(seconds=100)], "short"),
        ([video(seconds=121)], "long"),
        ([None], "short"),
        ([video(3840, 2160, seconds=2)] * 6, "heavy"),
        ([video(3840, 2160, seconds=2)] * 5, "short"),
        ([video(seconds=61)] * 2, "long"),
    ],
)
def test_lanes(probes: list[Probe | None], name: str) -> None:
    assert lane(check(ask(inputs=len(probes))), probes) == name


def test_a_graph_with_labels_is_mapped() -> None:
    graph = [{"filter": "[0:v]hflip[v]"}]
    silent = video(sound=False)
    assert _maps(graph, [video()]) == ["[v]", "0:a:0"]
    assert _maps(graph, [silent]) == ["[v]"]
    assert _maps(graph, [silent, sound()]) == ["[v]", "1:a:0"]
    assert _maps(graph, [video(), video()]) == ["[v]"]  # whose sound is not clear
    assert _maps([{"filter": "[0:v]hflip"}], [video()]) == []
    both = [{"filter": "[0:v]hflip[v]"}, {"filter": "[0:a]volume=2[a]"}]
    assert _maps(both, [video()]) == ["[v]", "[a]"]
    assert _maps(both, [video()], options=options(("-crf", 30))) == ["[v]", "[a]"]


def _maps(graph: list[dict[str, str]], probes: list[Probe], **fields: Any) -> list[str | None]:
    plan = planned(ask(inputs=len(probes), filters=graph, **fields), probes)
    return [value for name, value in plan.output.options if name == "-map"]


def test_several_inputs_with_raw_options_are_plain_inputs() -> None:
    plan = planned(ask(inputs=2, options=options(("-c", "copy"))), [video(), sound()])
    assert plan.output.options == [("-c", "copy"), ("-movflags", "+faststart")]
    assert plan.inputs == [[], []]


def test_a_copied_picture_is_sought_before_the_input() -> None:
    cut = options(("-ss", 10), ("-to", 14), ("-c", "copy"))
    plan = planned(ask(options=cut), [video(seconds=60)])
    assert plan.inputs == [[("-ss", "10")]]
    assert plan.output.options[:2] == [("-t", "4"), ("-c", "copy")]
    from_zero = planned(ask(options=options(("-ss", 0), ("-c:v", "copy"))), [video()])
    assert flag(from_zero, "-ss") is None
    assert from_zero.inputs == [[]]


@pytest.mark.parametrize(
    ("output_format", "fields"),
    [
        ("mp3", {"options": options(("-ss", 10), ("-c", "copy"))}),
        ("mp4", {"options": options(("-ss", 10), ("-c:a", "copy"))}),
        ("mp4", {"options": options(("-ss", 10), ("-c", "copy"), "-vn")}),
        ("mp4", {"options": options(("-ss", 10), ("-c", "copy"), "-copyts")}),
    ],
)
def test_copied_sound_is_cut_where_it_was_asked(output_format: str, fields: dict[str, Any]) -> None:
    plan = planned(ask(output_format, **fields), [video(seconds=60)])
    assert flag(plan, "-ss") == "10"
    assert plan.inputs == [[]]


_LOOPED = [options(("-loop", 1)), None]
_SHORTEST = options("-shortest")


@pytest.mark.parametrize(
    ("probes", "fields", "length"),
    [
        ([still(), sound(7.5)], {"options": _SHORTEST}, "7.5"),
        ([still(), sound(7.5)], {"options": options("-shortest", ("-vf", "scale=320:-2"))}, "7.5"),
        ([still(), sound(7.5)], {"options": options("-shortest", ("-af", "apad"))}, None),
        ([still(), sound(7.5)], {"options": options("-shortest", ("-t", 3))}, "3"),
        ([still(), video(seconds=4)], {"options": _SHORTEST}, None),  # whose picture is not plain
        ([still(), video(seconds=4)],
         {"options": options("-shortest", ("-map", "0:v"), ("-map", "1:a"))}, "4"),
        ([still(), sound(7.5)],
         {"options": _SHORTEST, "filters": [{"filter": "[1:a]atempo=0.5[a]"}]}, None),
    ],
)  # fmt: skip
def test_what_repeats_ends_with_the_other_input(
    probes: list[Probe], fields: dict[str, Any], length: str | None
) -> None:
    plan = planned(ask(inputs=2, input_options=_LOOPED, **fields), probes)
    assert flag(plan, "-t") == length


@pytest.mark.parametrize(
    ("maps", "cover"),
    [
        ([("-map", "0:a"), ("-map", "1:v")], True),
        ([("-map", "0"), ("-map", "1")], True),
        ([("-map", "0:a")], False),
        ([("-map", "0")], False),
        ([("-map", "0"), ("-map", "-0:v")], False),
    ],
)
def test_a_sound_has_the_cover_that_is_mapped(maps: list[tuple[str, str]], cover: bool) -> None:
    request = ask("mp3", inputs=2, options=options(*maps))
    arguments = argv(planned(request, [video(), still()]), ["a", "b"], "o")
    assert ("-vn" not in arguments) == cover


SOUND = Probe("wav", 1000, 10.0, None, Audio("pcm_s16le", 48000, "stereo"))
SILENT = video(sound=False)
VIRTUAL = {
    "@text-overlay": {"text": "a"}, "@quote-card": {"quote": "a"},
    "@watermark": {"url": "https://example.com/a.png"}, "@thumbnail": {},
    "@subtitles": {"url": "https://example.com/a.srt"}, "@trim": {"start": 1},
    "@speed": {"factor": 2}, "@normalize": {},
}  # fmt: skip


@pytest.mark.parametrize("name", VIRTUAL)
@pytest.mark.parametrize("output_format", ["mp4", "gif", "jpeg", "mp3"])
@pytest.mark.parametrize("probe", [SOUND, SILENT], ids=["sound only", "picture only"])
def test_a_virtual_option_for_what_the_file_lacks_is_explained(
    probe: Probe, output_format: str, name: str
) -> None:
    """The result is a plan or a message for the caller, never an internal error."""
    try:
        plan = planned(ask(output_format, options=options((name, VIRTUAL[name]))), [probe])
    except Refused as refused:
        assert name in str(refused)
        return
    except MediaError as error:
        assert error.category == "validation"
        assert "The input has no" in str(error)
        return
    assert flag(plan, "-map"), plan
