"""Whatever is accepted: no argument of ffmpeg's names a file, an address or a server."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st

from lib.media.errors import MediaError, Refused
from lib.media.plan.argv import argv
from lib.media.request import graph, tables
from lib.media.request.models import TranscodeRequest
from tests.rigs.hostile import cases
from tests.rigs.media.plans import ask, options, planned, sound, still, video

ROOT = Path(__file__).parent.parent.parent
QUICK = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

FILE_LIKE = frozenset(
    cases.words("""
    filename file f textfile fontfile fontsdir psfile plot axisfile stats_file stats result input
    log_path model m sofa object datapath source model_path input_file destination url path
    custom_shader_path debug_map_file irfile table logfile bind_address b_address frei0r plugin
    """)
)
"""Options that name files in some filter; a caller's text never stands in one."""
TAKES_FILES = frozenset({"movie", "amovie", "subtitles", "ass", "lut3d", "lut1d", "sendcmd",
    "asendcmd", "zmq", "azmq", "frei0r", "ladspa", "lv2", "metadata", "ametadata", "removelogo",
    "vidstabdetect", "vidstabtransform", "libvmaf", "signature", "arnndn", "whisper",
    "program_opencl",
    "dnn_processing", "life", "cellauto", "psnr", "ssim", "sofalizer", "fsync", "drawvg",
    "showcqt"})  # fmt: skip
DATA = frozenset({("drawtext", "text"), ("drawtext", "expr")})
PROTOCOL = re.compile(
    r"(?:file|pipe|fd|concatf?|subfile|cache|crypto|async|data|tee|md5|unix|udp|tcp|tls|rtmp|rtp|ftp"
    r"|http|https|hls|gopher|lavfi)(?:\+\w+)?:",
    re.IGNORECASE,
)


ALLOWED = tables.names(output=True)
ALLOWED_INPUT = tables.names(output=False)
FILTERS = {name: sorted(row.options) for name, row in tables.filters().items()}


evil = st.sampled_from([
    "/etc/passwd", "../../x", "file:/etc/passwd", "http://127.0.0.1/x", "pipe:1", "fd:3",
    "concat:/a|/b", "subfile,,start,0,end,9,,:/etc/passwd", "movie=/etc/passwd", "/x.so", "data:,x",
    "'", "\\", ",", ";", ":", "=", "[", "]", "[a]", "%{metadata:x}", "$(id)", "\n", "-y", "\x00",
    "textfile=/etc/passwd", "fontfile=/x", "stats_file=x", "stats=/x", "csv=/x", "~", "//", "@x",
    "http\\://x", "file\\:/x", "'/etc/passwd'", "/text", "unix:/x", "tee:x", "lavfi:movie", "x.srt",
])  # fmt: skip
good = st.sampled_from([
    "1", "0", "2.5", "-1", "libx264", "aac", "copy", "640", "640:360", "yuv420p", "1M", "25",
    "iw/2",
    "00:00:01", "faststart", "+faststart", "medium", "red", "#ff0000@0.5", "in", "bicubic", "a",
    "expr",
    "between(t,1,2)", "PTS-STARTPTS", "hello", "Arial", "0:v", "[v]", "title=a", "high", "film",
    "and",
])  # fmt: skip
pieces = st.lists(st.one_of(good, evil, st.text(max_size=4)), min_size=1, max_size=4).map("".join)
values = st.one_of(good, pieces, evil)
known_filter = st.sampled_from(sorted(FILTERS))
junk_filter = st.sampled_from([
    "movie", "amovie", "subtitles", "ass", "drawtext", "lut3d", "sendcmd", "zmq", "frei0r",
    "ladspa",
    "curves", "showcqt", "metadata", "scale@x", "SCALE", "nosuch", "deshake", "loudnorm",
])  # fmt: skip
option_name = st.one_of(
    st.sampled_from(sorted({name for row in FILTERS.values() for name in row})),
    st.sampled_from(sorted(FILE_LIKE)),
    evil,
)


@st.composite
def filters(draw: st.DrawFn) -> str:
    """One filter, sound or not, its values quoted this way or that."""
    name = draw(st.one_of(known_filter, known_filter, junk_filter))
    own = FILTERS.get(name) or ["w"]
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.one_of(st.sampled_from(own), st.sampled_from(own), option_name))
        value = draw(values)
        quote = draw(st.sampled_from(["{}", "'{}'", "\\{}", "'{}", "{}\\"]))
        parts.append(draw(st.sampled_from([f"{key}=", f"{key}=", ""])) + quote.format(value))
    labels = st.sampled_from(["", "", "", "[0:v]", "[v]", "[0:a]", "[/x]"])
    return draw(labels) + name + ("=" + ":".join(parts) if parts else "") + draw(labels)


SEEDS = [
    "scale=640:360", "scale=w=640:h=-2:flags=lanczos", "fps=25,hflip", "crop=iw/2:ih/2:0:0",
    "pad=640:640:(ow-iw)/2:0:black", "pad=w=9:h=9:color=red@0.5", "fade=t=in:st=0:d=1",
    "setpts=PTS-STARTPTS", "setpts='PTS*2'", "format=yuv420p", "trim=0:1", "transpose=clock",
    "drawtext=text='hello':fontsize=24:x=10:y=h-th", "drawtext=text=hello:font=Arial",
    "curves=preset=vintage", "curves=master='0/0 1/1'", "eq=contrast=1.2", "vignette=PI/4",
    "select='gt(scene,0.3)'", "zoompan=z='zoom+0.01':d=5:s=64x64", "setsar=1:1", "setdar=16/9",
    "volume=-3dB", "atempo=1.5", "afade=t=in:st=0:d=1", "loudnorm=I=-16", "pan=mono|c0=c0",
    "equalizer=f=100:t=q:w=1:g=3", "adelay=100|200", "deshake=x=1", "subtitles=x.srt",
    "[0:v]hflip[v]", "[0:v]split[a][b];[a]hflip[c];[b][c]overlay=x=1:y='t*2'[v]",
    "[0:v][1:v]overlay=W-w-10:H-h-10", "[0:a]volume=0.5[a]", "[0:v]trim=0:1,setpts=PTS[v]",
    "color=red:s=64x64:d=1", "[0:a]showwaves=s=64x64[v]", "[0:v]thumbnail=5[v]",
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> str:
    """A graph that is fine, or was fine before something was inserted."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from([0, 0, 1, 4])))
        text = text[:begin] + draw(st.one_of(evil, good, st.text(max_size=2))) + text[end:]
    return text


graphs = st.one_of(
    changed(),
    changed(),
    st.lists(st.one_of(filters(), changed()), min_size=1, max_size=3).flatmap(
        lambda each: st.sampled_from([",", ";", " , ", ";\n"]).map(lambda sign: sign.join(each))
    ),
)
parameters = st.lists(
    st.tuples(
        st.sampled_from(
            cases.words("keyint crf stats csv qpfile recon aq-mode preset me log-file x")
        ),
        values,
    ),
    max_size=3,
).map(lambda pairs: ":".join(f"{key}={value}" for key, value in pairs))
flag = st.one_of(
    st.sampled_from(ALLOWED),
    st.sampled_from(["-vf", "-af", "-filter:v", "-filter_complex", "-c:v", "-x264-params", "-map"]),
    st.sampled_from(
        ["-i", "-metadata", "-metadata:s:v:0", "-f", "-x265-params", "-/vf", "-report", "-y",
        "-b:v:0",
         "-attach", "-passlogfile", "-c:v:0", "/etc/passwd", "out.mp4", "pipe:1", "@text-overlay",
         "@subtitles", "@watermark", "@trim", "-bsf:v", "-force_key_frames", "-sws_flags"]
    ),
)  # fmt: skip
argument = st.one_of(
    values, graphs, parameters, st.none(), st.booleans(), st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(st.sampled_from(["text", "url", "style", "start"]), values, max_size=2),
)  # fmt: skip
fine = st.sampled_from([
    ("-crf", 23), ("-c:v", "libx264"), ("-c:a", "aac"), ("-t", 3), ("-ss", "1"), ("-an", None),
    ("-movflags", "+faststart"), ("-pix_fmt", "yuv420p"), ("-vf", "scale=640:-2"), ("-r", "25"),
])  # fmt: skip
pairs = st.lists(st.one_of(fine, fine, fine, st.tuples(flag, argument)), max_size=4)
input_pairs = st.lists(
    st.tuples(st.one_of(st.sampled_from(ALLOWED_INPUT), flag), values), max_size=2
)
formats = st.sampled_from(["mp4", "webm", "mp3", "png", "gif", "mov", "wav"])


def arguments(request: TranscodeRequest) -> list[str] | None:
    """ffmpeg's arguments, with the paths that we give; None for what is refused."""
    try:
        probes = [video(), still(), sound()]
        plan = planned(request, [probes[n % 3] for n in range(len(request.inputs))])
        return argv(plan, [f"IN{n}" for n in range(len(request.inputs))], "OUT")
    except (Refused, MediaError):
        return None


def assert_harmless(command: list[str]) -> None:
    """No argument but ours names a file, and each graph says nothing but itself."""
    assert command[-1] == "OUT"
    before = ""
    for each in command:
        assert "\0" not in each
        if (before, each) == ("-progress", "pipe:1") or before.startswith("-metadata"):
            pass  # ours; a tag's text is data
        elif before == "-protocol_whitelist":
            assert set(each.split(",")) <= {"file", "http", "tcp", "concat"}, each
        elif before in ("-vf", "-af", "-filter_complex", "-lavfi") or before.startswith("-filter:"):
            assert_harmless_graph(each)
        else:
            assert_names_nothing(each)
        before = each
    read = [place for before, place in pairwise(command) if before == "-i"]
    for place in read:  # an input, or a file that the server fetches and names itself
        assert re.fullmatch(r"IN\d|[a-z]+\d*(?:\.[a-z0-9]+)?", place), place


def assert_harmless_graph(text: str) -> None:
    """Node by node: no reader of files except those that we insert."""
    for chain in graph.parse(text):
        for node in chain:
            name = node.name.partition("@")[0]
            for key, value in node.options:
                if (name, key) in DATA:
                    continue
                if key in FILE_LIKE and name in (TAKES_FILES | {"drawtext", "curves", "deshake"}):
                    assert_packaged(value)
                    continue
                assert_names_nothing(value)
            assert all(re.fullmatch(r"[\w:.-]{1,40}", each) for each in node.inputs + node.outputs)
            if name in TAKES_FILES - {"subtitles", "ass", "showcqt"}:
                raise AssertionError(f"{name} was let through: {text}")


def assert_packaged(value: str) -> None:
    """One of our files: in the job's own folder, or one that the product brings along."""
    if re.fullmatch(r"[\w-]+(?:\.[\w-]+)*", value):
        return
    path = Path(value)
    assert path.is_relative_to(ROOT), value
    assert ".." not in path.parts, value


def assert_names_nothing(text: str) -> None:
    """Neither a path nor an address."""
    assert "://" not in text
    assert "../" not in text
    assert not text.startswith(("/", "~"))
    assert not re.search(r"[:=|',;]/[a-z]", text)
    assert not PROTOCOL.match(text)


@QUICK
@given(formats, pairs, st.lists(graphs, max_size=2), st.lists(input_pairs, min_size=1, max_size=3))
def test_no_accepted_request_reaches_outside(
    output: str,
    command: list[tuple[str, Any]],
    complexes: list[str],
    inputs: list[list[tuple[str, Any]]],
) -> None:
    request = ask(
        output,
        options=options(*command),
        filters=[{"filter": each[:19_000]} for each in complexes],
        input_options=[options(*each) for each in inputs],
    )
    result = arguments(request)
    event("accepted" if result else "refused")
    if result is not None:
        assert_harmless(result)


@settings(QUICK, max_examples=400)
@given(flag, argument)
def test_no_single_flag_reaches_outside(name: str, value: Any) -> None:
    command = arguments(ask(options=options((name, value))))
    event("accepted" if command else "refused")
    if command is not None:
        assert_harmless(command)


@settings(QUICK, max_examples=300)
@given(st.sampled_from(["-vf", "-af", "filters"]), graphs)
def test_no_single_graph_reaches_outside(where: str, text: str) -> None:
    fields: dict[str, Any] = (
        {"filters": [{"filter": text[:19_000]}]}
        if where == "filters"
        else {"options": options((where, text))}
    )
    command = arguments(ask(**fields))
    event("accepted" if command else "refused")
    if command is not None:
        assert_harmless(command)


@QUICK
@given(st.sampled_from(cases.REFUSED), st.sampled_from(["mp4", "gif", "mp3"]))
def test_no_hostile_case_becomes_harmless_by_its_format(case: cases.Case, output: str) -> None:
    assume(case.request is not None)
    try:
        request = msgspec.convert(
            {**(case.request or {}), "outputFormat": output}, TranscodeRequest
        )
    except msgspec.ValidationError:
        return
    if case.family == "format" or "{" in request.inputs[0].url:
        request.inputs[0].url = "https://example.com/x.mp4"
    command = arguments(request)
    if command is not None:
        assert_harmless(command)


letters = st.characters(exclude_characters="\0", codec="utf-8")
nodes = st.builds(
    graph.Filter,
    name=st.text("abcdefgh_0123", min_size=1, max_size=8),
    options=st.lists(
        st.tuples(
            st.one_of(st.none(), st.text("abcxyz_01", min_size=1, max_size=6)),
            st.one_of(st.text(letters, max_size=12), st.text("',:;=[]\\ \n@|/%", max_size=12)),
        ),
        max_size=4,
    ).map(tuple),
    inputs=st.lists(st.text("abv01:_.-", min_size=1, max_size=8), max_size=2).map(tuple),
    outputs=st.lists(st.text("abv01:_.-", min_size=1, max_size=8), max_size=2).map(tuple),
)
trees = st.lists(st.lists(nodes, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(
    tuple
)


@settings(QUICK, max_examples=400)
@given(trees)
def test_a_tree_that_is_shown_is_read_as_itself(tree: graph.Graph) -> None:
    read = graph.parse(graph.show(tree))
    # `x=` and `x` are one: a filter with a single empty value says nothing.
    assert _normal(read) == _normal(tree)


def _normal(tree: graph.Graph) -> graph.Graph:
    return tuple(
        tuple(
            msgspec.structs.replace(
                each, options=() if each.options == ((None, ""),) else each.options
            )
            for each in chain
        )
        for chain in tree
    )


@settings(QUICK, max_examples=400)
@given(st.one_of(st.text(max_size=60), st.text("ab=:,;[]'\\ \n@/%", max_size=60), graphs))
@example("'")
@example("\\")
@example("=")
@example("[")
@example("a=\\")
@example("a='\\")
@example(";")
@example("a;")
@example("a,")
@example("[" * 5000)
def test_any_text_is_read_or_said_to_be_no_graph(text: str) -> None:
    try:
        tree = graph.parse(text)
    except graph.GraphError as error:
        assert str(error)
        assert len(str(error)) < 200
        return
    display = graph.show(tree)
    assert graph.parse(display) == tree
    assert graph.show(graph.parse(display)) == display


@settings(QUICK, max_examples=300)
@given(st.text(letters, max_size=40))
def test_a_value_stays_one_value(value: str) -> None:
    """However it is written, it ends no option, filter or chain."""
    tree: graph.Graph = ((graph.Filter("drawtext", (("text", value), ("x", "1"))),),)
    assert graph.parse(graph.show(tree)) == tree
    assert _as_ffmpeg_splits(graph.show(tree)) == ["drawtext", "text", value, "x", "1"]


def _as_ffmpeg_splits(text: str) -> list[str]:
    """libavfilter's two passes, written apart from ours: the whole must be one filter."""
    name, _, rest = text.partition("=")
    inner, at = _token(rest, 0, "[],;")
    assert at == len(rest)
    out = [name]
    at = 0
    while at < len(inner):
        key = re.match(r"\s*(\w+)\s*=", inner[at:])
        assert key is not None
        value, at = _token(inner, at + key.end(), ":")
        out += [key[1], value]
        at += 1
    return out


def _token(text: str, at: int, ends: str) -> tuple[str, int]:
    """av_get_token (libavutil/avstring.c)."""
    white = " \n\t\r"
    while at < len(text) and text[at] in white:
        at += 1
    out: list[str] = []
    keep = 0
    while at < len(text) and text[at] not in ends:
        letter = text[at]
        at += 1
        if letter == "\\" and at < len(text):
            out.append(text[at])
            at += 1
            keep = len(out)
        elif letter == "'":
            while at < len(text) and text[at] != "'":
                out.append(text[at])
                at += 1
            if at < len(text):
                at += 1
                keep = len(out)
        else:
            out.append(letter)
    while len(out) > keep and out[-1] in white:
        out.pop()
    return "".join(out), at
