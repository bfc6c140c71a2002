"""What a request may ask for, and how it is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.media.errors import MediaError, Refused
from lib.media.plan.argv import argv
from lib.media.request import tables, virtual
from lib.media.request.check import check
from lib.media.request.models import MAX_INPUTS, TranscodeRequest
from tests.rigs.media.plans import ask, options, planned, video


def refusal(request: TranscodeRequest) -> str:
    """All that is said against a request."""
    with pytest.raises(Refused) as refused:
        check(request)
    assert str(refused.value)
    return " ".join(" ".join(each) for each in refused.value.refusals)


def test_values_are_rebuilt() -> None:
    checked = check(
        ask(
            options=options(
                ("-vcodec", "h264"),
                ("-crf", "+023"),
                ("-ss", "00:01:02.50"),
                ("-t", 3.0),
                ("-r", "30000/1001"),
                ("-movflags", "faststart"),
                ("-ar", 44100),
                ("-vf", "scale=w=640:-2 , fade=in:0:30,setsar=1:1"),
                ("-af", "volume=-3dB,atempo=1.50"),
                "-an",
                ("-shortest", ""),
                ("-vn", None),
            )
        )
    )
    assert checked.output == [
        ("-c:v", "libx264"),
        ("-crf", "23"),
        ("-ss", "62.5"),
        ("-t", "3"),
        ("-r", "30000/1001"),
        ("-movflags", "faststart"),
        ("-ar", "44100"),
        ("-vf", "scale=w=640:h=-2,fade=type=in:start_frame=0:nb_frames=30,setsar=sar=1:max=1"),
        ("-af", "volume=volume=-3dB,atempo=tempo=1.5"),
        ("-an", None),
        ("-shortest", None),
        ("-vn", None),
    ]


def test_null_is_absent() -> None:
    request = ask(preset=None, options=None, filters=None, metadata=None, input_options=[None])
    assert check(request).output == []


def test_a_request_survives_its_storage() -> None:
    request = ask("JPG", 2, preset={"quality": "low"}, metadata={"a": [1, None]}, filters=[])
    assert msgspec.convert(msgspec.to_builtins(request), TranscodeRequest) == request


def test_filter_complex_as_an_option_is_a_filter() -> None:
    graph = "[0:v]hflip[v]"
    by_option = check(ask(options=options(("-filter_complex", graph))))
    assert by_option.filters == check(ask(filters=[{"filter": graph}])).filters == graph


@pytest.mark.parametrize("graph", ["[0:v][1:v]overlay[v]", "[7]hflip[v]", "[1:a:0]volume=2[a]"])
def test_a_graph_names_inputs_that_are_there(graph: str) -> None:
    assert "names an input that is not there" in refusal(ask(filters=[{"filter": graph}]))
    assert "names an input that is not there" in refusal(ask(options=options(("-vf", graph))))


def test_labels_of_the_graph_itself_may_be_numbers() -> None:
    check(ask(filters=[{"filter": "[0:v]split[1][2];[1][2]hstack[v]"}]))
    check(ask(inputs=2, filters=[{"filter": "[0:v][1:v]overlay[v]"}]))


@pytest.mark.parametrize(
    "flag",
    [
        "-report", "-attach", "-dump_attachment:t", "-filter_script", "-/filter_complex", "-i",
        "-protocol_whitelist", "-safe", "-headers", "-http_proxy", "-map", "-y", "-init_hw_device",
        "-vstats_file", "-passlogfile", "-sdp_file", "-progress", "-x264-params", "/etc/passwd",
        "out.mp4", "../up.mp4", "-", "", "-c:v:0:evil\n",
    ],
)  # fmt: skip
def test_flags_not_listed_are_refused_by_name(flag: str) -> None:
    said = refusal(ask(options=options((flag, "1"))))
    assert (flag if flag.isprintable() else repr(flag)) in said


@pytest.mark.parametrize(
    ("flag", "argument"),
    [
        ("-crf", "64"), ("-crf", "-2"), ("-crf", "1e9"), ("-crf", ""), ("-crf", {"a": 1}),
        ("-c:v", "libkvazaar"), ("-c:v", "libx264 -y"), ("-f", "webm"), ("-f", "tee"),
        ("-f", "lavfi"), ("-r", "100000"), ("-r", "25/0"), ("-t", "-1"), ("-t", "inf"),
        ("-t", "nan"), ("-ss", "1:2:3:4"), ("-b:v", "999999M"), ("-pix_fmt", "x"),
        ("-movflags", "faststart+../x"), ("-preset", "placebo"), ("-ac", "900"), ("-ar", "١٢٠٠٠"),
        ("-vf", "movie=/etc/passwd"), ("-vf", "drawtext=textfile=/etc/passwd"), ("-vf", ""),
        ("-vf", "subtitles=/etc/passwd"), ("-vf", "sendcmd=f=/x"), ("-vf", "scale=w=$(id)"),
        ("-vf", "scale=640:360:evil=1"), ("-threads", "10000"),
        ("-vf", "scale='640"), ("-vf", "scale=while(0\\,1):2"), ("-vf", "hflip@a/b"),
        ("-vf", "scale=w=print(1)"), ("-vf", "lut3d=x.cube"), ("-af", "amovie=/x"),
        ("-vf", "pad=color=/etc"), ("-vf", "scale=1:2\x00"), ("-an", "x"),
    ],
)  # fmt: skip
def test_arguments_out_of_rule_are_refused(flag: str, argument: Any) -> None:
    assert flag in refusal(ask(options=options((flag, argument))))


def test_all_faults_are_named_at_once() -> None:
    said = refusal(
        ask("mp5", options=options(("-report", 1), ("-crf", 99)), metadata={"a": "x" * 9000})
    )
    for part in ("outputFormat", "-report", "-crf", "metadata", "8192"):
        assert part in said


def test_unknown_virtual_options_are_refused_with_those_there_are() -> None:
    said = refusal(ask(options=options(("@text", {"text": "hi"}))))
    assert "@text" in said
    assert "@text-overlay" in said
    assert "@trim" in refusal(ask(input_options=[options(("@trim", {"start": 1}))]))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://h/a", "concat:/a|/b", "subfile,,start,0,end,9,,:/p", "pipe:0",
        "http://user:pass@h/a", "http://h:22/", "https://h:25/", "http://h:6379/", "http://",
        "http://[::1/", "http://h:99999/", "//h/a", "http://e@h/", "http://10.0.0.1\\@h/",
        f"http://{'a' * 64}.example/", "https://youtu.be/x", "rtmp://h/a", "data:,x",
        "/etc/passwd", "gopher://h", "http://h:0/",
    ],
)  # fmt: skip
def test_urls_out_of_rule_are_refused(url: str) -> None:
    request = ask()
    request.inputs[0].url = url
    assert "inputs[0].url" in refusal(request)


@pytest.mark.parametrize(
    "url", ["gs://b/o", "HTTPS://h/a", "http://h:8080/a?b=c#d", "http://h:443"]
)
def test_urls_within_the_rules_pass(url: str) -> None:
    request = ask()
    request.inputs[0].url = url
    check(request)


def test_urls_are_cleaned_where_they_are_kept() -> None:
    url = " https://exa\nmple.com/a b.mp4\n"
    cleaned = "https://example.com/a%20b.mp4"
    request = ask(
        options=options(("@watermark", {"url": url}), ("@subtitles", {"url": url})),
        input_options=[None, None],
    )
    request.inputs[1].url = url
    checked = check(request)
    assert checked.urls == ["https://example.com/0.mp4", cleaned]
    assert checked.request.inputs[1].url == cleaned
    assert [remote.url for remote in checked.remotes] == [cleaned, cleaned]
    assert check(checked.request).urls == checked.urls
    assert checked.notes == []


def test_share_links_are_replaced_and_noted() -> None:
    link = "https://www.dropbox.com/s/abc/a.mp4?dl=0"
    request = ask(options=options(("@watermark", {"url": link})))
    request.inputs[0].url = link
    checked = check(request)
    assert checked.urls == [link.replace("dl=0", "dl=1")]
    assert checked.request.inputs[0].url == link
    assert checked.remotes[0].url == link.replace("dl=0", "dl=1")
    assert "inputs[0].url: this Dropbox share link is replaced" in checked.notes[0]


@pytest.mark.parametrize(
    ("option", "where"),
    [(("@watermark", {"url": "https://youtu.be/x"}), "@watermark"),
     (("-vf", "subtitles='https\\://youtu.be/x'"), "subtitles")],
)  # fmt: skip
def test_pages_are_refused_wherever_a_file_is_named(option: tuple[str, Any], where: str) -> None:
    said = refusal(ask(options=options(option)))
    assert "a page of YouTube" in said
    assert where in said


def test_a_login_in_a_url_is_refused_with_another_way() -> None:
    request = ask()
    request.inputs[0].url = "https://user:pa55@example.com/a.mp4"
    said = refusal(request)
    assert "signed link" in said
    assert "pa55" not in said


def test_up_to_a_hundred_inputs() -> None:
    assert len(check(ask(inputs=MAX_INPUTS)).urls) == MAX_INPUTS == 100
    with pytest.raises(msgspec.ValidationError, match="<= 100"):
        ask(inputs=MAX_INPUTS + 1)


def test_at_least_one_input() -> None:
    with pytest.raises(msgspec.ValidationError):
        ask(inputs=0)


def test_nul_is_refused_anywhere() -> None:
    for fields in ({"metadata": {"a": ["\0"]}}, {"metadata": {"\0": 1}}):
        assert "NUL" in refusal(ask(**fields))
    check(ask(metadata={"a": "\\u0000"}))


def test_what_repeats_needs_an_end() -> None:
    for flag, argument in (("-stream_loop", -1), ("-loop", 1)):
        request = ask(input_options=[options((flag, argument))])
        assert "inputs[0]" in refusal(request)
        check(ask(input_options=[options((flag, argument), ("-t", 3))]))
        check(ask(input_options=[options((flag, argument))], options=options(("-t", 3))))
    assert "-stream_loop" in refusal(ask(input_options=[options(("-stream_loop", 1001))]))


def test_output_flags_are_not_input_flags() -> None:
    assert "-crf" in refusal(ask(input_options=[options(("-crf", 23))]))
    assert "-itsoffset" in refusal(ask(options=options(("-itsoffset", 1))))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("asetrate=44100*1.25", "asetrate=sample_rate=55125"),
        ("asetrate=r=48000*2/3", "asetrate=sample_rate=32000"),
        ("aformat=s16:44100:stereo",
         "aformat=sample_fmts=s16:sample_rates=44100:channel_layouts=stereo"),
        ("compand=.3:.8:-70/-60|-20/-14:6", "compand=attacks=.3:decays=.8:points=-70/-60|-20/-14:"
         "soft-knee=6"),
        ("compand=soft-knee=6", "compand=soft-knee=6"),
    ],
)  # fmt: skip
def test_sound_filters_as_people_write_them(text: str, written: str) -> None:
    assert dict(check(ask(options=options(("-af", text)))).output)["-af"] == written


@pytest.mark.parametrize("calculation", ["1/0", "2**9", "1e9*9", "(1", "9" * 70, "10*-1", "e"])
def test_what_is_no_whole_number_in_range(calculation: str) -> None:
    assert "asetrate" in refusal(ask(options=options(("-af", f"asetrate={calculation}"))))


@pytest.mark.parametrize(
    "graph",
    [
        "scale=1920x1080",
        "drawbox=y=ih-60:w=iw:h=60:t=fill",
        "select=eq(pict_type\\,PICT_TYPE_I)",
        "overlay=x='if(gte(t,2),-w+(t-2)*200,NAN)':y=0",
        "scale2ref=w=oh*mdar:h=ih/10",
        "hue=H=2*PI*t",
    ],
)
def test_picture_filters_as_people_write_them(graph: str) -> None:
    check(ask(inputs=2, filters=[{"filter": f"[0:v]{graph}"}]))


def test_subtitles_are_read_as_we_write_them() -> None:
    graph = "subtitles=https\\://example.com/a.srt:charenc=CP1252"
    written = dict(check(ask(options=options(("-vf", graph)))).output)["-vf"]
    assert written == "subtitles=filename=subtitles0.ass:charenc=UTF-8"


def test_tags_of_streams() -> None:
    request = options(("-metadata:s:a:0", "language=eng"), ("-metadata:s:v", "rotate=0"))
    assert check(ask(options=request)).output == [
        ("-metadata:s:a:0", "language=eng"),
        ("-metadata:s:v", "rotate=0"),
    ]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("lanczos", "lanczos"),
        ("+lanczos", "lanczos"),  # with the default one it would be two scalers
        ("lanczos+accurate_rnd", "lanczos+accurate_rnd"),
        ("+accurate_rnd+full_chroma_int", "+accurate_rnd+full_chroma_int"),
    ],
)
def test_there_is_one_scaler(text: str, written: str) -> None:
    checked = check(ask(options=options(("-vf", f"scale=2:2:flags={text}"))))
    assert dict(checked.output)["-vf"] == f"scale=w=2:h=2:flags={written}"


_texts = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["http://a/b", "/etc/passwd", "1", "00:01", "h264", "scale=2:2", "hflip",
                     "[0:v]hflip[v]", "file:/x", "-y", "scale='/a':2", "fps=25,scale=iw/2:-2"]),
)  # fmt: skip
_pairs = st.lists(
    st.tuples(st.sampled_from([*tables.names(output=True), "-i", *virtual.TYPES]), _texts),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(_pairs, st.lists(_texts.map(str), max_size=2))
def test_no_accepted_request_names_a_file_or_an_address(
    pairs: list[tuple[str, Any]], graphs: list[str]
) -> None:
    request = ask(options=options(*pairs), filters=[{"filter": each} for each in graphs])
    try:
        plan = planned(request, [video()])
    except (Refused, MediaError):
        return
    arguments = argv(plan, ["INPUT"], "OUTPUT")
    for argument in arguments:
        assert "://" not in argument
        assert not argument.startswith("/")
        assert ":/" not in argument
    assert arguments.count("INPUT") == 1
    assert arguments[-1] == "OUTPUT"
