"""The hostile requests, as data. `{canary_file}` and the like are filled in when they are sent.

Wanted: "refused" is 400 that names the flag, filter or field, with nothing queued; "stopped" is
that, or a job that fails before it harms; "bounded" is a refusal, or a job that ends within the
limits one way or the other; "works"; "fails:<category>", several joined by "|".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple


class Case(NamedTuple):
    """One request and what must come of it."""

    family: str
    name: str
    expected: str
    mention: str
    """What a refusal must name."""
    request: dict[str, Any] | None = None
    raw: str | None = None
    """The body itself, where no JSON writer would make it."""


Pair = tuple[str, Any]


def body(**fields: Any) -> dict[str, Any]:
    """A request that is fine except for `fields`."""
    return {"inputs": [{"url": "{clip}"}], "outputFormat": "mp4"} | fields


def option(name: str, argument: Any = None) -> dict[str, Any]:
    """An option as it goes over the wire."""
    return {"option": name} if argument is None else {"option": name, "argument": argument}


def words(text: str) -> list[str]:
    """The words of a list that is easier to read as a text."""
    return text.split()


def case_id(case: Case) -> str:
    """A readable id of plain letters."""
    return f"{case.family}-{ascii(case.name).strip(chr(39))[:50]}"


def _plain(text: str) -> str:
    """The letters of a name that any message shows, however it is quoted."""
    return max(
        "".join(letter if letter.isascii() and letter.isprintable() else "\n" for letter in text)
        .replace("\\", "\n")
        .replace("'", "\n")
        .split("\n"),
        key=len,
    )[:40]


def _flags(family: str, pairs: Iterable[Pair], expected: str = "refused") -> list[Case]:
    return [
        Case(family, f"{name}={str(argument)[:40]}", expected, _plain(name),
             body(options=[option(name, argument)]))
        for name, argument in pairs
    ]  # fmt: skip


def _input_flags(family: str, pairs: Iterable[Pair]) -> list[Case]:
    return [
        Case(family, f"{name}={argument}", "refused", _plain(name),
             body(inputs=[{"url": "{clip}", "options": [option(name, argument)]}]))
        for name, argument in pairs
    ]  # fmt: skip


def _graphs(
    family: str, graphs: Iterable[tuple[str, str]], expected: str = "refused", flag: str = "-vf"
) -> list[Case]:
    """Graphs, with the word that a refusal must hold; `flag` "filters" is the field."""
    return [
        Case(
            family, f"{flag} {graph}", expected, mention,
            body(filters=[{"filter": graph}]) if flag == "filters"
            else body(options=[option(flag, graph)]),
        )
        for graph, mention in graphs
    ]  # fmt: skip


def _named_by_filter(graphs: Iterable[str]) -> list[tuple[str, str]]:
    return [(graph, graph.partition("=")[0].partition("@")[0]) for graph in graphs]


FILE = "{canary_file}"
OUT = "{outside}/{stray}"

FLAGS = _flags(
    "flag",
    [
        ("-i", FILE), ("-y", None), ("-n", None), ("-report", None), ("-filter_script", FILE),
        ("-filter_script:v", FILE), ("-filter_complex_script", FILE), ("-/filter_complex", FILE),
        ("-/vf", FILE), ("-/filter:v", FILE), ("-/metadata", FILE), ("-/c:v", FILE),
        ("-attach", FILE), ("-dump_attachment:t", OUT), ("-dump_attachment:t:0", OUT),
        ("-dump", None), ("-hex", None), ("-protocol_whitelist", "file,http,tcp"),
        ("-protocol_blacklist", ""), ("-format_whitelist", "ALL"), ("-codec_whitelist", "ALL"),
        ("-allowed_extensions", "ALL"), ("-extension_picky", 0), ("-safe", 0),
        ("-headers", "X-A: b\r\n"), ("-user_agent", "x"), ("-http_proxy", "{canary_url}"),
        ("-cookies", "a=b"), ("-referer", "{canary_url}"), ("-method", "PUT"),
        ("-init_hw_device", "opencl=/x"), ("-filter_hw_device", "x"), ("-hwaccel", "auto"),
        ("-hwaccel_device", "/dev/dri/renderD128"), ("-vaapi_device", "/dev/dri/card0"),
        ("-vstats", None), ("-vstats_file", OUT), ("-passlogfile", OUT), ("-sdp_file", OUT),
        ("-progress", "{canary_url}"), ("-progress", OUT), ("-stats_enc_pre", OUT),
        ("-stats_enc_post:v", OUT), ("-stats_mux_pre:v", OUT), ("-print_graphs_file", OUT),
        ("-threads", 10_000), ("-filter_threads", 10_000), ("-filter_complex_threads", 10_000),
        ("-map", FILE), ("-map", "0:v -y"), ("-map", "0:v\n-y"), ("-map", "[x];movie=/x"),
        ("-map_metadata", FILE), ("-map_metadata", "0:s:0:../x"), ("-map_chapters", "../x"),
        ("-target", "pal-dvd"), ("-debug", 1), ("-debug_ts", None), ("-benchmark", None),
        ("-loglevel", "trace"), ("-v", "debug"), ("-h", "full"), ("-sources", "alsa"),
        ("-sinks", "alsa"), ("-devices", None), ("-buildconf", None), ("-L", None),
        ("-fpre", FILE), ("-vpre", FILE), ("-apre", "../../x"), ("-cpuflags", 0),
        ("-cpucount", 1_000_000), ("-max_alloc", 1), ("-timelimit", 1), ("-stdin", None),
        ("-bsf:v", "trace_headers"), ("-bsf:v", "null,../x"), ("-tag:v", "%s%n/../"),
        ("-segment_list", OUT), ("-hls_segment_filename", OUT), ("-hls_key_info_file", FILE),
        ("-hls_segment_options", "protocol_whitelist=file"), ("-use_localtime_mkdir", 1),
        ("-strftime", 1), ("-update", 0), ("-muxer_options", "x"), ("-enable_drefs", 1),
        ("-use_absolute_path", 1), ("-listen", 1), ("-encryption_scheme", "cenc-aes-ctr"),
        ("-preset", "placebo"), ("-movflags", "faststart+../x"), ("-movflags", "rtphint"),
        ("-metadata", "no equals sign"), ("-metadata", "../x/=1\n"), ("-rc_override", "0,1,/x"),
        ("-service_name", "x"), ("-stream_group", "/x"), ("-program", "title=/x"),
        ("-force_key_frames", "expr:st(0\\,1)"), ("-force_key_frames", "file:/etc/passwd"),
        ("-sws_flags", "bicubic;movie=/etc/passwd"), ("-intra_matrix", FILE),
        ("-dec", "0:0"), ("-isync", 0), ("-password", "x"),
    ],
)  # fmt: skip

_BARE = _flags(
    "bare name",
    [
        ("{outside}/{stray}.mp4", None), ("/tmp/{stray}.mp4", None), ("{stray}.mp4", None),
        ("../{stray}.mp4", None), ("file:{outside}/{stray}", None), ("pipe:1", None),
        ("fd:1", None), ("-", None), ("--", None), ("%d{stray}.png", None), ("{canary_url}", None),
        ("udp://127.0.0.1:{canary_port}", None), ("tcp://127.0.0.1:{canary_port}?listen=1", None),
        ("tee:{stray}", None), ("|touch {stray}", None), ("$(touch {stray})", None),
        ("`touch {stray}`", None), ("-y;touch {stray}", None), ("&& touch {stray}", None),
        ("-c:v\n-y", "libx264"), ("-c:v\r-y", "libx264"), ("\N{MINUS SIGN}crf", 23),
        ("\N{EN DASH}crf", 23), ("\N{FULLWIDTH HYPHEN-MINUS}crf", 23),
        ("-\N{CYRILLIC SMALL LETTER ES}rf", 23), ("-crf\N{ZERO WIDTH SPACE}", 23),
        ("\N{RIGHT-TO-LEFT OVERRIDE}-crf", 23), ("-crf\x1b[31m", 23), ("-crf\x7f", 23),
        ("-CRF", 23), ("-c:v:-1", "libx264"), ("-c:v:99999999999", "libx264"), ("-c:#1", "copy"),
        ("-c:m:language:eng", "copy"), ("-c:v:0:../x", "libx264"), ("-c:i:0x1", "copy"),
        ("-filter:v:0:0", "hflip"), ("-filter:/v", "hflip"), ("-c:v=libx264", None),
        ("-crf 23", None), ("-metadata:s:v:0:x", "a=b"), ("-metadata:c:../x", "a=b"),
        ("-" + "x" * 90, 1), ("@", 1), ("@@text-overlay", 1), ("@/etc/passwd", 1), ("@../x", {}),
    ],
)  # fmt: skip
NAMES = [
    *_BARE,
    Case("bare name", "empty", "refused", "", body(options=[option("", 1)])),
    Case("bare name", "a flag of 10,000 letters", "refused", "option",
         body(options=[option("-" + "a" * 10_000, 1)])),
    Case("bare name", "101 options", "refused", "options", body(options=[option("-an")] * 101)),
]  # fmt: skip

_ARGUMENTS = _flags(
    "argument",
    [
        ("-crf", {"a": {"b": "{canary_file}"}}), ("-crf", True), ("-crf", 10**30),
        ("-crf", "18; touch {stray}"), ("-crf", "18\n-y"),
        ("-crf", "$(touch {stray})"), ("-crf", "`touch {stray}`"), ("-crf", "18 && id"),
        ("-crf", 1e308), ("-crf", "0x12"), ("-b:v", "1e400"), ("-b:v", "-1"), ("-b:v", "10G"),
        ("-t", "-1"), ("-t", "inf"), ("-t", "nan"), ("-t", "9" * 400), ("-ss", FILE),
        ("-ss", "now"), ("-r", "100000"), ("-r", "1/0"), ("-pix_fmt", FILE),
        ("-c:v", "libx264 -f data"), ("-c:v", "../libx264"), ("-c:v", "h264_vaapi"),
        ("-c:a", "/x.so"), ("-c:v", "libx264\n-y"), ("-ac", -1), ("-ar", "1e9"),
        ("-an", "/tmp/{stray}.mp4"), ("-shortest", "-y"), ("-frames:v", 99_999_999_999),
        ("-vf", {"movie": "/etc/passwd"}), ("-vf", "\ud7ff=/etc/passwd"), ("-vf", 0),
    ],
)  # fmt: skip
ARGUMENTS = [
    *_ARGUMENTS,
    Case("argument", "a list", "refused", "argument", body(options=[option("-crf", [18])])),
    Case("argument", "lists in lists", "refused", "argument",
         body(options=[option("-vf", [[["movie=/etc/passwd"]]])])),
    Case("argument", "NUL", "refused", "NUL", body(options=[option("-crf", "1\x00")])),
    Case("argument", "NUL in a key", "refused", "NUL", body(metadata={"a\x00": 1})),
    Case("argument", "a lone surrogate", "refused", "JSON", body(options=[option("-vf",
    "\ud800")])),
]  # fmt: skip

MUXERS = _flags(
    "muxer",
    [
        ("-f", name)
        for name in words(
            "tee segment stream_segment ssegment hls dash image2pipe ffmetadata framemd5 framehash"
            " hash md5 streamhash data rawvideo null lavfi concat fifo rtp rtsp rtp_mpegts sap alsa"
            " sdl2 caca fbdev smoothstreaming webm_chunk webm_dash_manifest hds whip chromaprint"
            " uncodedframecrc mpegts flv matroska image2 MP4 mp4,tee"
        )
    ],
)

FORMATS = [
    Case("format", name, "refused", "outputFormat", body(outputFormat=name))
    for name in (
        "tee", "hls", "../mp4", "mp4/../../x", "mp4\n", "mp4 -y", "%d.png", "m3u8", "", "x" * 50,
        "\uff4d\uff50\uff14", "mp4;id", "file:x.mp4", "http://127.0.0.1:1/x.mp4", "pipe:1",
    )
] + [
    Case("format", "a number", "refused", "outputFormat", body(outputFormat=4)),
    Case("format", "a list", "refused", "outputFormat", body(outputFormat=["mp4", "tee"])),
]  # fmt: skip

FIELDS = [
    Case("field", "preset resolution", "refused", "preset",
         body(preset={"resolution": "30000x30000"})),
    Case("field", "preset quality", "refused", "preset", body(preset={"quality": "placebo"})),
    Case("field", "preset of another kind", "refused", "preset", body(preset="{canary_file}")),
    Case("field", "metadata too large", "refused", "metadata", body(metadata={"a": "x" * 9000})),
    Case("field", "metadata a list", "refused", "metadata", body(metadata=["{canary_file}"])),
    Case("field", "no inputs", "refused", "inputs", body(inputs=[])),
    Case("field", "101 inputs", "refused", "inputs", body(inputs=[{"url": "{clip}"}] * 101)),
    Case("field", "an input that is a text", "refused", "inputs", body(inputs=["{clip}"])),
    Case("field", "a url that is a list", "refused", "url", body(inputs=[{"url": ["{clip}"]}])),
    Case("field", "filters a text", "refused", "filters", body(filters="movie=/etc/passwd")),
    Case("field", "filter a list", "refused", "filter", body(filters=[{"filter": ["hflip"]}])),
    Case("field", "21 filters", "refused", "filters",
    body(filters=[{"filter": "[0:v]hflip"}] * 21)),
    Case("field", "a filter over 20,000 letters", "refused", "filter",
         body(filters=[{"filter": "hflip," * 4000 + "hflip"}])),
]  # fmt: skip


def _raw(name: str, mention: str, text: str, expected: str = "refused") -> Case:
    return Case("JSON", name, expected, mention, raw=text)


_HEAD = '{"inputs":[{"url":"{clip}"}],"outputFormat":"mp4",'
JSON_BOMBS = [
    _raw("100,000 brackets", "JSON", "[" * 100_000),
    # Which limit refuses it depends on the version of Python.
    _raw("deep metadata", "", _HEAD + '"metadata":{"a":' + "[" * 5000 + "]" * 5000 + "}}"),
    _raw("deep argument", "",
         _HEAD + '"options":[{"option":"-crf","argument":' + '{"a":' * 900 + "1" + "}" * 900
         + "}]}"),
    _raw("metadata 600 deep", "",
         _HEAD + '"metadata":' + '{"a":' * 600 + "1" + "}" * 600 + "}", "bounded"),
    _raw("a number of 5,000 digits", "",
         _HEAD + '"options":[{"option":"-crf","argument":' + "9" * 5000 + "}]}"),
    _raw("1e999", "", _HEAD + '"options":[{"option":"-crf","argument":1e999}]}'),
    _raw("-1e999 as a time", "", _HEAD + '"options":[{"option":"-t","argument":-1e999}]}'),
    _raw("NaN", "JSON", _HEAD + '"options":[{"option":"-t","argument":NaN}]}'),
    _raw("Infinity", "JSON", _HEAD + '"options":[{"option":"-t","argument":Infinity}]}'),
    _raw("two options fields", "-report",
         _HEAD + '"options":[],"options":[{"option":"-report"}]}'),
    _raw("two option fields", "-report",
         _HEAD + '"options":[{"option":"-an","option":"-report"}]}'),
    _raw("an escaped name", "-report",
         _HEAD + '"\\u006fptions":[{"option":"\\u002dreport"}]}'),
    _raw("two bodies", "JSON", _HEAD + '"options":[]}{"options":[]}'),
    _raw("a comment", "JSON", _HEAD + '"options":[] /* x */}'),
    _raw("a byte order mark", "JSON", "\ufeff" + _HEAD + '"options":[]}'),
]  # fmt: skip

# Filters that read files, load code, call servers, change permissions or only wait.
FORBIDDEN_FILTERS = _named_by_filter([
    "movie=/etc/passwd", "movie={canary_file}", "movie=filename={canary_file}:f=tty",
    "movie='http\\://127.0.0.1\\:{canary_port}/x'",
    "lut3d={canary_file}", "lut3d=file={canary_file}", "lut1d=file={canary_file}",
    "removelogo=f={canary_file}", "removelogo={canary_file}", "find_rect=object={canary_file}",
    "cover_rect={canary_file}", "sendcmd=f={canary_file}", "sendcmd=c='0 drawtext reinit x'",
    "zmq=bind_address=tcp\\\\\\://127.0.0.1\\\\\\:{canary_port}", "zmq", "frei0r=glow",
    "frei0r=filter_name=../../x", "vidstabdetect=result={outside}/{stray}",
    "vidstabtransform=input={canary_file}", "ocr=datapath=/etc", "libvmaf=log_path={outside}/x",
    "libvmaf=model=path={canary_file}", "signature=filename={outside}/{stray}",
    "metadata=mode=print:file={outside}/{stray}", "metadata=print:file=pipe\\\\\\:1",
    "psnr=stats_file={outside}/{stray}", "ssim=stats_file={outside}/{stray}",
    "ssim=f=-", "program_opencl=source={canary_file}", "dnn_processing=model={canary_file}",
    "dnn_detect=model={canary_file}", "dnn_classify=model={canary_file}",
    "derain=model={canary_file}", "sr=model={canary_file}", "perms=random",
    "life=filename={canary_file}", "cellauto=f={canary_file}", "mandelbrot", "fsync={canary_file}",
    "drawvg=file={canary_file}", "qrencode=textfile={canary_file}", "quirc",
    "coreimage=list_filters",
    "libplacebo=custom_shader_path={canary_file}", "hwupload", "hwdownload", "hwmap",
    "scale_vaapi=640", "ddagrab", "buffer=1", "buffersink", "nullsink", "realtime=0.001",
    "cue=9e9", "graphmonitor", "bench", "showinfo", "sidedata", "iccgen", "feedback", "aap",
    "vmafmotion=stats_file={outside}/{stray}", "identity_=1", "nosuchfilter", "SCALE=640:360",
])  # fmt: skip
FORBIDDEN_SOUND = _named_by_filter([
    "amovie=/etc/passwd", "amovie={canary_file}", "ladspa=file=/lib/x.so:plugin=x",
    "ladspa=../../x", "lv2=p=http\\\\\\://127.0.0.1\\\\\\:{canary_port}", "arnndn=m={canary_file}",
    "arnndn=model={canary_file}", "sofalizer=sofa={canary_file}", "asendcmd=f={canary_file}",
    "azmq", "ametadata=print:file={outside}/{stray}", "flite=textfile={canary_file}",
    "whisper=model={canary_file}", "whisper=destination=http\\\\\\://127.0.0.1\\\\\\:{canary_port}/",
    "aperms=random", "arealtime", "acue=9e9", "abench", "ashowinfo", "astats=metadata=1",
    "abuffer=1", "abuffersink", "anullsink", "afir=irlink=/x",
])  # fmt: skip
# Options of allowed, or commonly allowed, filters.
FILE_OPTIONS = [
    ("drawtext=textfile=/etc/passwd", "drawtext"), ("drawtext=textfile={canary_file}", "drawtext"),
    ("drawtext=text=a:textfile={canary_file}:reload=1", "drawtext"),
    ("drawtext=text=a:fontfile={canary_file}", "drawtext"),
    ("drawtext=text=a:fontfile=../../x.ttf", "drawtext"),
    ("drawtext=text=a:fontfile=/usr/share/fonts/x.ttf", "drawtext"),
    ("drawtext=text_source=side_data_detection_bboxes", "drawtext"),
    ("drawtext=text=a:font=/etc/passwd", "drawtext"),
    ("drawtext=text=a:font='x\\:file=/etc/passwd'", "drawtext"),
    ("drawtext=text=a:rate=1/0", "drawtext"), ("drawtext=text=a:expansion=/x", "drawtext"),
    ("drawtext=/textfile={canary_file}", "drawtext"), ("drawtext=/text={canary_file}", "drawtext"),
    ("drawtext={canary_file}", "drawtext"), ("drawtext=a:{canary_file}", "drawtext"),
    ("subtitles={canary_file}", "subtitles"), ("subtitles=/etc/passwd", "subtitles"),
    ("subtitles=filename={canary_file}", "subtitles"), ("subtitles='{canary_file}'", "subtitles"),
    ("subtitles=../../x.srt", "subtitles"), ("subtitles=input0", "subtitles"),
    ("subtitles='file\\:{canary_file}'", "subtitles"),
    ("subtitles='file\\:///etc/passwd'", "subtitles"),
    ("subtitles='concat\\:{canary_file}'", "subtitles"),
    ("subtitles='subfile\\,\\,start\\,0\\,end\\,9\\,\\,\\:/etc/passwd'", "subtitles"),
    ("subtitles='ftp\\://127.0.0.1\\:{canary_port}/x.srt'", "subtitles"),
    ("subtitles='http\\://127.0.0.1\\:{canary_port}/x.srt':fontsdir=/etc", "subtitles"),
    ("subtitles=f={canary_file}:charenc=/x", "subtitles"), ("ass={canary_file}", "ass"),
    ("ass=/etc/passwd:shaping=simple", "ass"), ("ass=f={canary_file}:fontsdir=/", "ass"),
    ("curves=psfile={canary_file}", "curves"), ("curves=plot={outside}/{stray}", "curves"),
    ("curves=preset=none:psfile=/etc/passwd", "curves"), ("curves=/psfile={canary_file}", "curves"),
    ("deshake=filename={outside}/{stray}", "deshake"), ("scale=/w={canary_file}", "scale"),
    ("scale=/w=/etc/passwd", "scale"), ("scale=w=640:/h=/etc/passwd", "scale"),
    ("fade=/type={canary_file}", "fade"), ("pad=640:360:color=/etc/passwd", "pad"),
    ("paletteuse=debug_map_file={outside}/{stray}", "paletteuse"),
    ("geq=lum='p(X,Y)':cb={canary_file}", "geq"), ("haldclut={canary_file}", "haldclut"),
    ("thumbnail=log=/x", "thumbnail"), ("hflip={canary_file}", "hflip"),
    ("null={canary_file}", "null"), ("scale=640:360:evil=1", "scale"),
    ("scale=640:360:param0={canary_file}", "scale"), ("zscale=w=/etc/passwd", "zscale"),
    ("colorspace=all=/etc/passwd", "colorspace"), ("select='gt(scene,0.1)':/n=/x", "select"),
    ("xfade=transition=custom:expr=/etc/passwd", "xfade"), ("fps=/etc/passwd", "fps"),
    ("format=/etc/passwd", "format"), ("setpts=/etc/passwd", "setpts"),
]  # fmt: skip
SOUND_OPTIONS = [
    ("volume=/volume={canary_file}", "volume"), ("volume=/etc/passwd", "volume"),
    ("afftdn=sample_noise=/x", "afftdn"), ("pan={canary_file}", "pan"),
    ("loudnorm=stats_file={outside}/{stray}", "loudnorm"), ("aformat=/etc/passwd", "aformat"),
    ("anequalizer=c0 f=200 {canary_file}", "anequalizer"), ("channelmap=map={canary_file}",
    "channelmap"),
    ("aresample=44100:/x=/etc/passwd", "aresample"), ("mcompand=/etc/passwd", "mcompand"),
]  # fmt: skip
GRAPHICS_OF_SOUND = [
    ("[0:a]showcqt=fontfile={canary_file}[v]", "showcqt"),
    ("[0:a]showcqt=axisfile={canary_file}[v]", "showcqt"),
    ("[0:a]showcqt=axisfile=http\\\\\\://127.0.0.1\\\\\\:{canary_port}[v]", "showcqt"),
    ("[0:a]showspectrum=/size={canary_file}[v]", "showspectrum"),
    ("[0:a]showwaves=colors=/etc/passwd[v]", "showwaves"),
]
# How a second filter, or an option, might be got past the parser.
SMUGGLED = [
    ("hflip,movie=/etc/passwd", "movie"), ("hflip;movie=/etc/passwd", "movie"),
    ("hflip\n,movie=/etc/passwd", "movie"), ("hflip\r\n;movie=/etc/passwd", "movie"),
    ("hflip\nmovie=/etc/passwd", "-vf"), ("hflip\\,movie=/etc/passwd", "-vf"),
    ("hflip , movie = /etc/passwd", "movie"), ("[in]hflip[a];[a]movie=/etc/passwd[out]", "movie"),
    ("scale=640:360\\", "-vf"), ("scale='640:360", "-vf"), ("scale=640:360'", "-vf"),
    ("scale=640:360\\\\,movie=/etc/passwd", "movie"), ("scale='640':'360',movie=/etc/passwd",
    "movie"),
    ("scale='640'\\'':360,movie=/etc/passwd", "-vf"), ("scale=w='640,movie=/etc/passwd'", "scale"),
    ("scale=640:360:flags='lanczos,movie=/etc/passwd'", "scale"),
    ("scale=640:360:flags=lanczos\\,movie\\=/etc/passwd", "scale"),
    ("crop=w='in_w\\,movie=/etc/passwd'", "crop"), ("setpts='PTS',movie=/etc/passwd", "movie"),
    ("drawtext=text='a':textfile='/etc/passwd'", "drawtext"),
    ("movie@x=/etc/passwd", "-vf"), ("drawtext=text='a'\\\\\\'':textfile=/etc/passwd", "-vf"),
    ("drawtext=text='':'textfile'=/etc/passwd", "drawtext"),
    ("drawtext=text=a:text\\file=/etc/passwd", "drawtext"),
    ("drawtext=text=a: textfile =/etc/passwd", "drawtext"),
    ("drawtext=text=a:textfile\t=/etc/passwd", "drawtext"),
    ("m\N{CYRILLIC SMALL LETTER O}vie=/etc/passwd", "-vf"),
    ("\N{FULLWIDTH LATIN SMALL LETTER M}ovie=/etc/passwd", "-vf"),
    ("movie\N{ZERO WIDTH SPACE}=/etc/passwd", "-vf"), ("mov\\ie=/etc/passwd", "-vf"),
    ("'movie'=/etc/passwd", "-vf"), ("hflip\N{FULLWIDTH COMMA}movie=/etc/passwd", "-vf"),
    ("hflip\N{GREEK QUESTION MARK}movie=/etc/passwd", "-vf"), ("hflip@a/b", "-vf"),
    ("hflip@../../x", "-vf"), ("[/etc/passwd]hflip", "-vf"),
    ("[%d]hflip", "-vf"), ("[a b]hflip", "-vf"), ("[\x1b]hflip", "-vf"), ("[]hflip", "-vf"),
    ("[[a]]hflip", "-vf"), ("[a]'hflip", "-vf"), ("[0:v:../x]hflip", "-vf"),
    ("[" + "a" * 5000 + "]hflip", "-vf"), ("," * 9000, "-vf"),
    (";" * 9000, "-vf"), ("=" * 9000, "-vf"), ("'" * 9001, "-vf"), ("\\" * 9001, "-vf"),
    ("sws_flags=/etc/passwd;hflip", "sws_flags"), ("sws_flags=bicubic;movie=/etc/passwd", "movie"),
    ("sws_dict=flags=/x;hflip", "sws_dict"), ("scale=sws_flags=/etc/passwd", "scale"),
    ("#include /etc/passwd", "-vf"), ("$(touch {stray})", "-vf"), ("hflip;`touch {stray}`", "-vf"),
    ("hflip && touch {stray}", "-vf"), ("hflip|movie=/x", "-vf"), ("hflip#movie", "-vf"),
    ("scale=w=print(1):h=2", "scale"),
    ("scale=w='while(1,1)':h=2", "scale"),
        ("scale=w=" + "(" * 3000 + "1" + ")" * 3000 + ":h=2", "scale"),
    ("crop=" + "iw-" * 4000 + "1", "crop"),
    ]  # fmt: skip
GRAPHS = [
    *_graphs("filter", FORBIDDEN_FILTERS),
    *_graphs("filter", FORBIDDEN_SOUND, flag="-af"),
    *_graphs("filter in filters", FORBIDDEN_FILTERS[::6], flag="filters"),
    *_graphs("filter in filters", FORBIDDEN_SOUND[::6], flag="-filter_complex"),
    *_graphs("filter in filters", FORBIDDEN_SOUND[1::6], flag="-lavfi"),
    *_graphs("filter option", FILE_OPTIONS),
    *_graphs("filter option", SOUND_OPTIONS, flag="-af"),
    *_graphs("filter option", GRAPHICS_OF_SOUND, flag="filters"),
    *_graphs("filter option", FILE_OPTIONS[::8], flag="filters"),
    *_graphs("smuggled", SMUGGLED),
    *_graphs("smuggled", [("[0:v]hflip[a];[a]movie=/x[v]", "movie"),
                          ("[0:v]" + "split" * 3900, "filters")], flag="filters"),
]  # fmt: skip
SPECIFIED = [
    *_graphs("smuggled", [("movie={canary_file}", "movie")], flag="-filter:v:0"),
    *_graphs("smuggled", [("movie={canary_file}", "movie")], flag="-filter:v"),
    *_graphs("smuggled", [("amovie={canary_file}", "amovie")], flag="-filter:a"),
]
for _case in SPECIFIED:  # a specifier may not be allowed at all, so that the flag is named instead
    GRAPHS.append(_case._replace(mention=""))

_PARAMETERS: dict[str, list[str]] = {
    "-x264-params": [
        "stats={outside}/{stray}", "qpfile={canary_file}", "cqmfile={canary_file}",
        "keyint=48:stats={outside}/{stray}", "dump-yuv={outside}/{stray}", "log-file={outside}/x",
        "opencl-clbin={outside}/{stray}", "opencl=1", "tcfile-in={canary_file}", "threads=10000",
        "pass=2", "keyint=48\\:stats=/x", "keyint='48:stats=/x'", "crf=20:/qpfile=/x", "QPFILE=/x",
        "qpfile", "keyint=48:::", "zones=0,100,q=/x", "index={outside}/{stray}", "keyint=4\n8",
    ],
    "-x264opts": ["stats={outside}/{stray}", "qpfile={canary_file}", "cqmfile=../x"],
    "-x265-params": [
        "csv={outside}/{stray}", "csv-log-level=2:csv={outside}/{stray}", "qpfile={canary_file}",
        "analysis-save={outside}/{stray}", "analysis-load={canary_file}",
        "analysis-reuse-file={canary_file}", "stats={outside}/{stray}", "recon={outside}/{stray}",
        "lambda-file={canary_file}", "scaling-list={canary_file}", "zonefile={canary_file}",
        "dhdr10-info={canary_file}", "dolby-vision-rpu={canary_file}", "nalu-file={canary_file}",
        "film-grain={canary_file}", "abr-ladder={canary_file}", "pools=+,+;x",
        "frame-threads=10000",
        "crf=20:csv={outside}/{stray}", "crf=20:stats=x",
    ],
    "-svtav1-params": [
        "stats={outside}/{stray}", "fgs-table={canary_file}", "roi-map-file={canary_file}",
        "crf=30:stats={outside}/{stray}", "recon={outside}/{stray}", "qpfile={canary_file}",
    ],
    "-aom-params": [
        "film-grain-table={canary_file}", "vmaf-model-path={canary_file}",
        "partition-info-path={outside}/{stray}", "two-pass-output={outside}/{stray}",
        "rate-distribution-info={canary_file}", "cpu-used=8:film-grain-table=/etc/passwd",
    ],
    "-vvenc-params": ["decodebitstream1={canary_file}"],
    "-xavs2-params": ["x=/etc/passwd"],
    "-kvazaar-params": ["cqmfile={canary_file}"],
    "-rav1e-params": ["x=/etc/passwd"],
}  # fmt: skip
PARAMETERS = [
    case._replace(mention="-x264")  # -x264opts may be spoken of by the name it stands for
    if case.mention == "-x264opts"
    else case
    for case in _flags(
        "codec parameters",
        [(flag, text) for flag, texts in _PARAMETERS.items() for text in texts],
    )
]

INPUT_FLAGS = _input_flags(
    "input flag",
    [
        ("-f", "data"), ("-f", "tty"), ("-f", "lavfi"), ("-f", "concat"), ("-f", "hls"),
        ("-f", "dash"), ("-f", "sdp"), ("-f", "image2"), ("-f", "rawvideo"), ("-f", "x11grab"),
        ("-f", "v4l2"), ("-f", "alsa"), ("-f", "ffmetadata"), ("-f", "rtp"), ("-f", "mpegts"),
        ("-safe", 0), ("-protocol_whitelist", "file,http"), ("-format_whitelist", "ALL"),
        ("-allowed_extensions", "ALL"), ("-allowed_segment_extensions", "ALL"),
        ("-extension_picky", 0), ("-headers", "X: y"), ("-user_agent", "x"),
        ("-http_proxy", "{canary_url}"), ("-cookies", "a"), ("-dump_attachment:t", OUT),
        ("-attach", FILE), ("-i", FILE), ("-enable_drefs", 1), ("-use_absolute_path", 1),
        ("-pattern_type", "glob"), ("-listen", 1), ("-sub_charenc", "x"), ("-hwaccel", "vaapi"),
        ("-hwaccel_device", "/dev/dri/card0"), ("-graph", "movie=/x"), ("-graph_file", FILE),
        ("-stream_loop", -2), ("-stream_loop", 10**9), ("-itsoffset", "inf"), ("-ss", FILE),
        ("-framerate", 10**6), ("-vf", "movie=/x"), ("-filter_complex", "movie=/x"), ("-map", "0"),
        ("-metadata", "a=b"), ("-re", None), ("-readrate", "0.0001"), ("-c:v", "rawvideo"),
        ("-c:v", "/etc/passwd"), ("-max_pixels", 10**12), ("-max_alloc", 1), ("-decryption_key",
        "00"),
        ("-export_side_data", "x"), ("-lowres", 3), ("-key", "x"), ("-ffrtmp_crypt_tls", 1),
        ("/etc/passwd", None), ("@watermark", {"url": "{clip}"}), ("-seg_format_options", "x"),
    ],
)  # fmt: skip

URLS = [
    Case("url", url, "refused", "inputs[0].url", body(inputs=[{"url": url}]))
    for url in (
        "file:///etc/passwd", "file:{canary_file}", "FILE:///etc/passwd", "/etc/passwd",
        "{canary_file}", "../../etc/passwd", "input0", "concat:/etc/passwd|{canary_file}",
        "concatf:{canary_file}", "subfile,,start,0,end,9,,:/etc/passwd", "pipe:", "pipe:0", "fd:",
        "fd:0", "-", "ftp://127.0.0.1:{canary_port}/x", "sftp://h/x", "gopher://127.0.0.1/x",
        "rtmp://127.0.0.1:{canary_port}/x", "rtsp://127.0.0.1:{canary_port}/x",
        "udp://127.0.0.1:{canary_port}", "tcp://127.0.0.1:{canary_port}?listen=1",
        "tls://127.0.0.1:{canary_port}", "rtp://127.0.0.1:{canary_port}", "srt://h:1", "rist://h:1",
        "unix:/tmp/x.sock", "data:video/mp4;base64,AAAA", "cache:http://127.0.0.1:{canary_port}/",
        "crypto:{canary_file}", "crypto+http://h/x", "hls+http://127.0.0.1:{canary_port}/x",
        "async:{canary_url}", "httpproxy://h/x", "icecast://h/x", "mmsh://127.0.0.1/x",
        "smb://h/x", "ipfs://x", "s3://bucket/key", "bluray:/x", "dvd:/x", "lavfi:movie=/x",
        "md5:{outside}/{stray}", "tee:{outside}/{stray}", "javascript:alert(1)", "jar:http://h/x!/",
        "http://user:pw@127.0.0.1:{canary_port}/", "http://user@example.com/",
        "http://:pw@example.com/", "http://@example.com/", "http://example.com@127.0.0.1:22/",
        "http://h:22/", "http://h:25/", "http://h:6379/", "http://h:5432/", "http://h:11211/",
        "http://h:0/", "http://h:65536/", "http://h:-1/", "http://h:99999999999999999999/",
        "http://h:2375/", "http://h:1/", "https://h:3306/", "http://h:\u0662\u0662/",
        "http:", "http://", "http:127.0.0.1", "http:/127.0.0.1/x", "//127.0.0.1/x",
        "http://h/a\x1bb", "http://h/a\x7f",
        "http:\\\\127.0.0.1\\x", "http://[::1/", "http://::1]/",
        "http://[zz]/", "http://h/" + "a" * 9000, "GS://uploads/x",
        "hTTp+unix://x", "about:blank", "\ufeffhttp://h/",
    )
] + [Case("url", "empty", "refused", "url", body(inputs=[{"url": ""}]))]  # fmt: skip
# URLs that browsers clean: what is left of them leads nowhere, and is never an argument.
URLS += [
    Case("cleaned url", url, "stopped", "", body(inputs=[{"url": url}]))
    for url in (
        "http:///x", "http://h/a b", "http://h/\na", "http://h/\r\nHost: x", "http://h/\t",
        "http://h/\x1b", "http://h\\@127.0.0.1/", " http://h/", "http://h/ ",
        "{clip} -i /etc/passwd",
    )
]  # fmt: skip

VIRTUAL = [
    Case("virtual", f"{name} {json.dumps(argument)[:60]}", expected, name,
         body(options=[option(name, argument)]))
    for expected, name, argument in (
        ("stopped", "@text-overlay", {"text": "a", "style": {"font": "/etc/passwd"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"font": "../../x"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"font": "x:file=/etc/passwd"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"x": "movie(1)"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"x": "0:textfile=/etc/passwd"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"fontSize": "9:textfile=/x"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"fontColor": "/etc/passwd"}}),
        ("stopped", "@text-overlay", {"text": "a", "style": {"fontSize": 10**9}}),
        ("stopped", "@text-overlay", {"text": "a", "style": "{canary_file}"}),
        ("stopped", "@text-overlay", {"text": ["a"]}),
        ("stopped", "@text-overlay", {"style": {}}),
        ("stopped", "@text-overlay", {"text": "a" * 10_001}),
        ("stopped", "@text-overlay", "{canary_file}"),
        ("stopped", "@text-overlay", "{\"text\":"),
        ("stopped", "@text-overlay", "[1]"),
        ("stopped", "@text-overlay", 7),
        ("stopped", "@text-overlay", True),
        ("stopped", "@subtitles", {"url": "file:///etc/passwd"}),
        ("stopped", "@subtitles", {"url": "{canary_file}"}),
        ("stopped", "@subtitles", {"url": "{canary_url}"}),
        ("stopped", "@subtitles", {"url": "http://{sources}/redirect?to={canary_url}"}),
        ("stopped", "@subtitles", {"url": "http://{sources}/redirect?to=file:///etc/passwd"}),
        ("stopped", "@subtitles", {"url": "http://169.254.169.254/latest/meta-data/"}),
        ("stopped", "@subtitles", {"url": "concat:/etc/passwd"}),
        ("stopped", "@subtitles", {"url": "gs://uploads/x/y.srt"}),
        ("stopped", "@subtitles", {"url": "{canary_url}", "style": {"font": "/etc/passwd"}}),
        ("stopped", "@subtitles", "{canary_url}"),
        ("stopped", "@watermark", {"url": "file:///etc/passwd"}),
        ("stopped", "@watermark", {"url": "{canary_url}"}),
        ("stopped", "@watermark", {"url": "http://[::1]:{canary_port}/x.png"}),
        ("stopped", "@watermark", {"url": "http://{sources}/redirect?to={canary_url}"}),
        ("stopped", "@watermark", {"url": "http://localhost:{canary_port}/x.png"}),
        ("stopped", "@watermark", {"url": "gs://uploads/x/y.png"}),
        ("stopped", "@watermark", {"url": "{canary_file}", "position": "0:movie=/x"}),
        ("bounded", "@quote-card", {"quote": "a", "photo_url": "{canary_url}"}),
        ("stopped", "@quote-card", {"text": "a", "font": "/etc/passwd"}),
        ("stopped", "@thumbnail", {"at": "{canary_file}"}),
        ("stopped", "@thumbnail", {"time": "1:movie=/x"}),
        ("stopped", "@trim", {"start": "{canary_file}", "end": "1;id"}),
        ("stopped", "@trim", {"start": "0,movie=/etc/passwd"}),
        ("stopped", "@speed", {"factor": "2,movie=/etc/passwd"}),
        ("stopped", "@speed", {"factor": 1e300, "rate": 1e300, "speed": 1e300}),
        ("stopped", "@speed", {"factor": -1, "rate": -1, "speed": -1}),
        ("stopped", "@normalize", {"target": "-14:stats_file=/x", "stats_file": "{outside}/x"}),
        ("refused", "@evil", {"text": "a"}),
        ("refused", "@text-overlay/../x", {"text": "a"}),
        ("refused", "@TEXT-OVERLAY\n", {"text": "a"}),
    )
]  # fmt: skip
VIRTUAL = [
    case._replace(mention="@TEXT-OVERLAY") if "\n" in case.mention else case for case in VIRTUAL
]

SUBTITLES = _graphs(
    "subtitles by address",
    [
        (f"subtitles='{address}'", "subtitles")
        for address in (
            "http\\://127.0.0.1\\:{canary_port}/x.srt", "http\\://[\\:\\:1]\\:{canary_port}/x.srt",
            "http\\://localhost\\:{canary_port}/x.srt", "http\\://169.254.169.254/x.srt",
            "http\\://127.0.0.1\\:{sources_port}/redirect?to=//127.0.0.1\\:{canary_port}/x",
            "http\\://127.0.0.1\\:{sources_port}/redirect?to=file\\:///etc/passwd",
            "http\\://127.0.0.1\\:{sources_port}/clip.mp4", "https\\://user\\:pw@h.invalid/x.srt",
            "http\\://h.invalid\\:22/x.srt", "gs\\://uploads/x/y.srt", "gs\\://uploads/../x",
        )
    ],
    "stopped",
)  # fmt: skip

HARMLESS = [
    # Odd, but read as ffmpeg reads it and written again: one value, one label, one number.
    *_graphs(
        "odd",
        [
            ("drawtext=text='a\\':textfile=/etc/passwd", "drawtext"),
            ("drawtext=text=a\\\\:textfile=/etc/passwd", "drawtext"),
            ("hflip@x\n", "-vf"), ("[a]" * 4000 + "hflip", "-vf"),
            ("scale=w=st(0\\,1):h=2", "scale"), ("scale=w='random(0)/0':h='ld(9)'", "scale"),
            ("scale=iw*1e300:2", "scale"),
        ],
        "bounded",
    ),
    *_flags("odd", [("-crf", "\u0661\u0668"), ("-r", "25\n"), ("-c:v\n", "libx264")], "bounded"),
]  # fmt: skip
"""What may be accepted, since nothing of it reaches further than it says."""

SHADOWED = [
    *_graphs(
        "shadowed option",
        [
            ("null,drawtext=text=a:/fontfile={canary_file}", "drawtext"),
            ("drawtext=expansion=none:text='%{metadata\\:x}':expansion=normal", "set twice"),
            ("drawtext=text=a:text=b", "set twice"), ("scale=640:360:w=320", "set twice"),
            ("scale=w=640:width=320", "set twice"), ("scale=640:360:height=2", "set twice"),
            ("drawtext=text='%{metadata\\:x}':expansion=none:expansion=0", "set twice"),
            ("drawtext=text='a':'textfile={canary_file}'", "drawtext"),
            ("drawtext=" + ":".join(["{canary_file}"] * 60), "drawtext"),
            ("subtitles='file\\://{canary_file}'", "subtitles"),
            ("ass=filename=https\\\\://example.com/a.ass:fontsdir=/etc", "ass"),
            ("curves=preset=lighter:plot={outside}/{stray}", "curves"),
            ("qrencode=textfile={canary_file}", "qrencode"), ("ocr=datapath={canary_file}", "ocr"),
            ("lensfun=db_path={canary_file}", "lensfun"),
            ("sendcmd=filename={canary_file}", "sendcmd"),
        ],
    ),
    *_graphs(
        "unusual space",
        [
            ("null,\N{NO-BREAK SPACE}movie={canary_file}", "-vf"),
            ("null\N{LINE SEPARATOR},movie={canary_file}", "-vf"),
        ],
    ),
    *_graphs(
        "graph in filters",
        [
            ("[0:v]null[v];\n  movie = {canary_file} [w]", "movie"),
            ("[0:a]showcqt=fontfile={canary_file}:axisfile={canary_file}[v]", "showcqt"),
        ],
        flag="filters",
    ),
    *_graphs("graph", [("sofalizer=sofa={canary_file}", "sofalizer")], flag="-af"),
    *_flags(
        "flag of a newer ffmpeg, or of a codec",
        [
            ("-enc_stats_post", OUT), ("-attach", FILE), ("-target", "pal-vcd"),
            ("-max_error_rate", 1), ("-bsf:0", "trace_headers"), ("-f", "tee"),
            ("-bsf:v", "h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+x"),
            ("-encryption_key", "00000000000000000000000000000000"), ("-segment_list", OUT),
            ("-encryption_scheme", "cenc-aes-ctr"), ("-force_key_frames", FILE),
            ("-force_key_frames", "chapters"), ("-c:m:language:eng", "copy"),
            ("-c:i:0x100", "copy"), ("-c:t", "copy"), ("-map", "0:i:1"), ("-noxerror", None),
            ("--", None), ("-vf=movie", FILE), ("\N{HYPHEN}i", FILE), ("\N{SOFT HYPHEN}i", FILE),
            ("-x265-params", "analysis-save={outside}/{stray}"),
            ("-x265-params", "crf=30:recon={outside}/{stray}"),
            ("-svtav1-params", "fgs-table={canary_file}"),
            ("-aom-params", "partition-info-path={canary_file}"),
        ],
    ),
    *_input_flags(
        "input flag",
        [
            ("-max_pixels", "99999999999"), ("-enable_drefs", 1), ("-use_absolute_path", 1),
            ("-listen", 1), ("-c:v", "h264_cuvid"),
        ],
    ),
]  # fmt: skip
"""Values that shadow another one, and names that resemble an allowed one."""

TOO_LARGE = [
    Case("size", "surplus options by position", "refused", "scale",
         body(options=[option("-vf", "scale=" + "1:" * 9000)])),
    Case("size", "an argument of 20,001 letters", "refused", "-metadata",
         body(options=[option("-metadata", "a=" + "x" * 19_999)])),
    Case("size", "101 options of an input", "refused", "inputs[0]",
         body(inputs=[{"url": "{clip}", "options": [option("-an")] * 101}])),
    Case("size", "20,000 unknown flags of an input", "refused", "inputs[0]",
         body(inputs=[{"url": "{clip}", "options": [option(f"-zz{n}") for n in range(20_000)]}])),
    Case("size", "11 drawn texts", "refused", "@text-overlay",
         body(options=[option("@text-overlay", {"text": "a"})] * 11)),
    Case("size", "expireAfter past 7 days", "refused", "expireAfter", body(expireAfter=604_801)),
    Case("size", "expireAfter past an int of SQL", "refused", "expireAfter",
         body(outputFormat="mp3", expireAfter=3_000_000_000)),
    Case("size", "expireAfter of 31 digits", "refused", "expireAfter",
         body(outputFormat="mp3", expireAfter=10**30)),
    Case("size", "JSON text of 19,000 brackets", "refused", "@text-overlay",
         body(options=[option("@text-overlay", "[" * 19_000)])),
    Case("size", "JSON text of 100,000 brackets", "refused", "@text-overlay",
         body(options=[option("@text-overlay", "[" * 100_000)])),
    Case("size", "pan of many blanks", "refused", "pan",
         body(options=[option("-af", "pan='stereo" + "|c0=c0 " * 25 + "!'")])),
    Case("size", "digits of eif past an int", "refused", "drawtext",
         body(options=[option("-vf", "drawtext=text='%{eif\\:1\\:d\\:99999999999999}'")])),
    Case("size", "100 digits of eif", "refused", "drawtext",
         body(options=[option("-vf", "drawtext=text='%{eif\\:1\\:d\\:100}'")])),
    Case("size", "digits of another script", "refused", "drawtext",
         body(options=[option("-vf", "drawtext=text='%{eif\\:1\\:d\\:\u0661}'")])),
    Case("size", "a wide year", "refused", "drawtext",
         body(options=[option("-vf", "drawtext=text='%{gmtime\\:%999999999Y}'")])),
    Case("size", "a wide year of strftime", "refused", "drawtext",
         body(options=[option("-vf", "drawtext=expansion=strftime:text=%999999999Y")])),
    Case("size", "a tiny number", "refused", "-crf",
         body(options=[option("-crf", "1e-999999")])),
]  # fmt: skip
"""Texts that would cost time or space if they were read."""

ADDRESSED = [
    Case("address", url, expected, "inputs[0].url", body(inputs=[{"url": url}]))
    for expected, urls in (
        ("refused", (
            "ht\ttp://127.0.0.1:{canary_port}/a.mp4", "http://example.com:22/a.mp4",
            "subfile,,start,0,end,99,,:{canary_file}", "http://[::]:{canary_port}/a.mp4",
        )),
        ("stopped", (
            "http://[::ffff:0:127.0.0.1]:{canary_port}/a.mp4",
            "http://[2001:0:7f00:1::1]:{canary_port}/a.mp4",
            "http://\N{CIRCLED DIGIT ONE}\N{CIRCLED DIGIT TWO}\N{CIRCLED DIGIT SEVEN}"
            ".\N{CIRCLED DIGIT ZERO}.\N{CIRCLED DIGIT ZERO}.\N{CIRCLED DIGIT ONE}"
            ":{canary_port}/a.mp4",
            "http://example.com%2f@127.0.0.1:{canary_port}/a.mp4",
            "http://127.127.127.127:{canary_port}/a.mp4",
            "http://[fd00:ec2::254]/latest/meta-data/",
        )),
    )
    for url in urls
]  # fmt: skip

VIRTUAL_FURTHER = [
    Case("virtual", f"{name} {json.dumps(argument)[:60]}", expected, name,
         body(options=[option(name, argument)]))
    for expected, name, argument in (
        ("stopped", "@subtitles", {"url": "http://127.0.0.1:{canary_port}/a.srt"}),
        ("stopped", "@watermark", {"url": "http://127.0.0.1:{canary_port}/a.png"}),
        ("refused", "@text-overlay", {"text": "a", "style": {"x": "print(1)"}}),
        ("refused", "@text-overlay",
         {"text": "a", "style": {"fontColor": "red[v];movie={canary_file}"}}),
        ("refused", "@text-overlay", {"text": "a", "style": {"start": 1e300}}),
        ("refused", "@trim", {"start": 0, "duration": 1e308}),
    )
]  # fmt: skip

LIMITED = [
    *_graphs(
        "limited",
        [
            ("scale=iw*2000:ih*2000", "scale"), ("tile=1000x1000", "tile"),
            ("loop=loop=1000000:size=2000", "loop"), ("zoompan=d=10000:s=8192x8192", "zoompan"),
            ("drawtext=text=a:fontsize=1e9", "drawtext"), ("tpad=start=2000000000", "tpad"),
            ("drawtext=text='%{localtime\\:%{metadata\\:x}}'", "drawtext"),
            ("drawtext=expansion=strftime:text='%{metadata\\:x}%s'", "drawtext"),
            ("scale=16384:8192,geq=lum='random(0)*hypot(X\\,Y)'", "geq"),
            ("drawtext=text=a:borderw=2000000000", "drawtext"),
        ],
        "bounded",
    ),
    *_graphs(
        "label",
        [
            ("[0:v]null@movie={canary_file}[v]", "filters"),
            ("[0:v]null[0:a];[0:a]anull[x]", "filters"),
        ],
        "bounded",
        flag="filters",
    ),
    Case("limited", "a forged metadata file", "bounded", "-metadata",
         body(options=[option("-metadata", "title=a\n;FFMETADATA1\n[CHAPTER]\nSTART=0\nEND=9"
                              "\ntitle={canary_file}")])),
    Case("limited", "override tags in a quotation", "bounded", "@quote-card",
         body(options=[option("@quote-card", {"quote": "}{\\fs900\\t(0,9e9,\\fs1)}",
                                              "name": "\\N[Fonts]"})])),
]  # fmt: skip
"""What may be accepted, and then runs within the limits."""

REFUSED = [
    *FLAGS, *NAMES, *ARGUMENTS, *MUXERS, *FORMATS, *FIELDS, *JSON_BOMBS, *GRAPHS, *PARAMETERS,
    *INPUT_FLAGS, *URLS, *VIRTUAL, *SUBTITLES, *SHADOWED, *TOO_LARGE, *ADDRESSED, *VIRTUAL_FURTHER,
]  # fmt: skip
