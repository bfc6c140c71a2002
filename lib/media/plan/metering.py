"""How many seconds of media a job is charged for: decisions only, no ffmpeg is run here.

A job is charged for the larger of what was made (the length of its output) and what was read
(media time of each input, added up). No length that a file's header states is believed.

Where a plan keeps time (every frame that is read is written at the same moment) and reads one
input that moves, what was made is also what was read, and nothing more needs to be measured. In
all other cases ffmpeg's own count of packets says how far each input was read, and
`lib.media.run.measurement` turns that count into seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from lib.media.formats import single
from lib.media.model import Flags, Probe
from lib.media.plan.model import Plan
from lib.media.request import graph, values

READ_AHEAD = 32
"""Packets that ffmpeg's threads may have read and not decoded when the output was complete."""
LAG_SECONDS = 0.5
"""How far ffmpeg's clock, which shows decoding times, may be behind the last frame's end."""
LEAST_RATE = 5.0
"""Below so many frames a second the last frame of an output lasts too long to tell its length."""


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


KEEPS_TIME = _words(
    """
    ss t to an vn sn dn r map c filter shortest shortest_buf_duration tag disposition metadata
    map_metadata map_chapters b maxrate minrate bufsize crf qp q qmin qmax qcomp qdiff i_qfactor
    b_qfactor partitions preset tune profile level g keyint_min bf refs sc_threshold
    force_key_frames trellis me_range subq b_strategy coder rc-lookahead rc_lookahead aq-mode
    aq-strength weightp nal-hrd x264-params x265-params svtav1-params aom-params deadline quality
    cpu-used speed row-mt tile-columns tile-rows frame-parallel auto-alt-ref lag-in-frames usage
    static-thresh max-intra-rate undershoot-pct overshoot-pct arnr-maxframes arnr-strength
    arnr-type error-resilient lossless compression_level pred vendor bits_per_mb alpha_bits threads
    flags pix_fmt s aspect color_primaries color_trc colorspace color_range
    chroma_sample_location field_order sws_flags loop final_delay gifflags ac ar sample_fmt
    channel_layout ch_layout vbr application frame_duration abr joint_stereo cutoff aac_coder f
    movflags frag_duration video_track_timescale brand write_tmcd id3v2_version write_id3v1
    write_xing max_muxing_queue_size strict autorotate bitexact vf af filter_complex
    """
)
"""Options of an output after which each frame is where it was."""
INPUT_KEEPS_TIME = _words(
    """
    ss sseof t to stream_loop ignore_loop accurate_seek noaccurate_seek noautorotate autorotate
    display_rotation c thread_queue_size analyzeduration probesize err_detect an vn sn dn
    """
)
_STILL_KEEPS_TIME = INPUT_KEEPS_TIME | {"loop", "framerate"}
"""A still has no time of its own to be changed."""
FILTERS_KEEP_TIME = _words(
    """
    acompressor acontrast acopy acrusher adeclick adeclip adenorm aecho aemphasis aexciter afade
    afftdn aformat afwtdn agate alimiter allpass amix anequalizer anlmdn anull aphaser apsyclip
    apulsator aresample asetnsamples asoftclip asplit ass asubboost asubcut asupercut atilt avgblur
    bandpass bandreject bass bilateral biquad boxblur bwdif cas channelmap channelsplit chorus
    chromahold chromakey chromanr chromashift colorbalance colorchannelmixer colorcontrast
    colorcorrect colorhold colorize colorkey colorlevels colormatrix colorspace colortemperature
    compand copy crop crossfeed crystalizer curves dblur dcshift deband deblock deesser deflate
    deflicker delogo deshake despill dialoguenhance dilation drawbox drawgrid drawtext dynaudnorm
    earwax edgedetect eq equalizer erosion exposure extrastereo fade fftdnoiz fieldorder
    fillborders format fps gblur geq gradfun grayworld haas haldclut hflip highpass highshelf histeq
    hqdn3d hqx hstack hsvhold hsvkey hue huesaturation il inflate kerndeint lenscorrection limiter
    loudnorm lowpass lowshelf lumakey lut lutrgb lutyuv median monochrome negate nlmeans noise
    normalize null overlay owdenoise pad palettegen paletteuse pan perspective photosensitivity
    pixelize premultiply pseudocolor removegrain rgbashift rotate sab scale scroll selectivecolor
    setdar setfield setparams setrange setsar shear smartblur sobel speechnorm split stereo3d
    stereotools stereowiden subtitles super2xsai superequalizer swaprect swapuv tonemap transpose
    treble tremolo unpremultiply unsharp v360 vaguedenoiser vflip vibrance vibrato vignette
    virtualbass volume vstack w3fdif xbr xstack yadif yaepblur zscale
    """
)
"""Filters that write each frame at the moment of the frame they read."""
_SHIFTS = frozenset({"copyts", "start_at_zero", "itsoffset", "avoid_negative_ts", "muxdelay",
                     "muxpreload"})  # fmt: skip
_FILTERS_SHIFT = frozenset({"setpts", "asetpts"})


class Reading(msgspec.Struct, frozen=True):
    """An input whose read part has to be measured."""

    number: int
    flags: Flags
    """Of ffmpeg's options before -i, those that choose which packets are read."""
    limit: float | None
    """Seconds of the input that were requested; None for all."""
    header_seconds: float
    """What the file's header leaves of its length: only for when measuring fails."""
    rate: float
    """Frames a second that the header states, to make the count of frames exact."""
    still: bool


class Packets(msgspec.Struct, frozen=True):
    """How much ffmpeg read of one stream."""

    read: int
    decoded: int

    @property
    def used(self) -> int:
        """Without what was only read ahead."""
        ahead = self.read - self.decoded
        return self.decoded if self.decoded and 0 <= ahead <= READ_AHEAD else self.read


Counts = Mapping[tuple[int, int], Packets]
"""By input and stream."""


def keeps_time(inputs: Sequence[Flags], output: Flags, probes: Sequence[Probe | None]) -> bool:
    """Whether each frame that is read is written at the same moment, with nothing left out."""
    for flags, probe in zip(inputs, probes, strict=False):
        allowed = _STILL_KEEPS_TIME if probe is not None and probe.still else INPUT_KEEPS_TIME
        if not all(_base(flag) in allowed or _own(flag, value) for flag, value in flags):
            return False
    return all(_flag_keeps_time(flag, value) for flag, value in output)


def may_shift(plan: Plan) -> bool:
    """Whether the output may begin at another moment than zero, so that a clock misleads."""
    flags = [*plan.output.options, *(flag for each in plan.inputs for flag in each)]
    return any(
        _base(flag) in _SHIFTS
        or any(
            each.name in _FILTERS_SHIFT
            for tree in _trees(flag, value)
            for chain in tree
            for each in chain
        )
        for flag, value in flags
    )


def is_picture(plan: Plan) -> bool:
    """Whether the output is one picture, which lasts no time."""
    return single(plan.output.format) and dict(plan.output.options).get("-frames:v") == "1"


def readings(plan: Plan, probes: Sequence[Probe]) -> list[Reading]:
    """The inputs that must be measured after the run; none where the output's length says it."""
    if plan.adds_up or not probes:
        return []
    keeps = keeps_time(plan.inputs, plan.output.options, probes)
    if keeps and (is_picture(plan) or sum(not probe.still for probe in probes) <= 1):
        return []
    requested = requested_seconds(plan.output.options) if keeps else None
    return [
        Reading(
            number,
            [flag for flag in flags if _base(flag[0]) in _CHOOSES_PACKETS],
            _least(requested_seconds(flags), requested),
            probe.duration or 0.0,
            _rate(probe),
            probe.still,
        )
        for number, (flags, probe) in enumerate(zip(plan.inputs, probes, strict=False))
        if ("-loop", "1") not in flags
    ]


def whole(probes: Sequence[Probe]) -> list[Reading]:
    """All inputs from beginning to end."""
    return [
        Reading(number, [], None, probe.duration or 0.0, _rate(probe), probe.still)
        for number, probe in enumerate(probes)
    ]


def requested_seconds(flags: Flags) -> float | None:
    """The seconds of media that -t and -to ask for; None where they don't say it."""
    options = dict(flags)
    if "-r" in options or "-framerate" in options:  # ffmpeg generates new timestamps
        return None
    scale = float(options.get("-itsscale") or 1)
    start = values.seconds(options["-ss"] or "0") if "-ss" in options else 0.0
    if "-t" in options:
        return values.seconds(options["-t"] or "0") / scale
    if "-to" in options:
        return max(0.0, values.seconds(options["-to"] or "0") - start) / scale
    return None


def picture_seconds(probes: Sequence[Probe]) -> float:
    """What a picture reads of its inputs: one frame of each video, nothing of a still."""
    moving = [probe for probe in probes if not probe.still and probe.video and probe.duration]
    return sum(frame_seconds(probe) for probe in moving)


def frame_seconds(probe: Probe) -> float:
    """How long one frame of a video is shown; a second at most."""
    return 1 / max(1.0, (probe.video.fps if probe.video else 0.0) or 25.0)


def charged(
    plan: Plan, probes: Sequence[Probe], output_seconds: float, read: Sequence[float]
) -> float:
    """The seconds a completed job is charged for."""
    if is_picture(plan):
        output_seconds = 0.0 if read else picture_seconds(probes)
    return max(output_seconds, sum(read))


def exact(clock_seconds: float, *others: float) -> float:
    """The length of a stream: the first of `others` that agrees with ffmpeg's clock, else that.

    The clock shows the last packet's decoding time, which lags by the frames that are reordered.
    The others are a count of frames, or what a header states.
    """
    agreeing = [each for each in others if agrees(clock_seconds, each)]
    return round(agreeing[0] if agreeing else clock_seconds, 3)


def agrees(clock_seconds: float, seconds: float) -> bool:
    """Whether a length may be the true one by what ffmpeg's clock shows."""
    return clock_seconds <= seconds <= clock_seconds + LAG_SECONDS


def begin_seconds(reading: Reading) -> float:
    """Where in its input a reading begins."""
    options = dict(reading.flags)
    if "-sseof" in options:
        back = values.seconds((options["-sseof"] or "0").lstrip("-"))
        return max(0.0, reading.header_seconds - back)
    return values.seconds(options["-ss"] or "0") if "-ss" in options else 0.0


_SUMMARY = re.compile(
    r"\[in#(?P<input>\d{1,2})/[^\]]* @ 0x[0-9a-f]+\] \[verbose\]   Input stream"
    r" #(?P=input):(?P<stream>\d{1,4}) \((?:video|audio)\): (?P<read>\d{1,12}) packets read"
    r" \(\d+ bytes\);(?: (?P<decoded>\d{1,12}) frames decoded;)?"
)
_LEVEL = re.compile(r"((?:\[[^\]]{0,200} @ 0x[0-9a-f]+\] )*)\[([a-z]{4,7})\] ")
_SHOWN_LEVELS = frozenset({"warning", "error", "fatal", "panic"})


def is_useful(line: bytes) -> bool:
    """Whether a line of a report at the level `verbose` is of use: a warning, or a count."""
    return (b"[verbose]" not in line and b"[info]" not in line) or b" packets read (" in line


def counts(report: str) -> Counts | None:
    """How much was read of each stream, from a report of `-loglevel level+verbose`.

    None when a line stands there twice: a file's own text may imitate a line, but the true one is
    always there as well.
    """
    packets: dict[tuple[int, int], Packets] = {}
    for line in report.splitlines():
        if match := _SUMMARY.match(line):
            key = int(match["input"]), int(match["stream"])
            if key in packets:
                return None
            packets[key] = Packets(int(match["read"]), int(match["decoded"] or 0))
    return packets


def plain(report: str) -> str:
    """A report of `-loglevel level+verbose` as the level `warning` would have written it."""
    lines: list[str] = []
    visible = True
    for line in report.split("\n"):
        match = _LEVEL.match(line)
        if match:
            visible = match[2] in _SHOWN_LEVELS
            line = match[1] + line[match.end() :]
        if visible:
            lines.append(line)
    return "\n".join(lines)


_CHOOSES_PACKETS = frozenset(
    {"ss", "sseof", "stream_loop", "ignore_loop", "analyzeduration", "probesize"}
)


def _rate(probe: Probe) -> float:
    return probe.video.fps if probe.video and not probe.video.attached else 0.0


def _base(flag: str) -> str:
    return flag.removeprefix("-").partition(":")[0]


def _own(flag: str, value: str | None) -> bool:
    """What the plan adds before an input by itself."""
    return (flag, value) == ("-fflags", "+discardcorrupt")


def _flag_keeps_time(flag: str, value: str | None) -> bool:
    base = _base(flag)
    if base == "frames":
        return value == "1"
    if base == "r":
        return values.frames_per_second(value or "0") >= LEAST_RATE
    return base in KEEPS_TIME and all(
        _filter_keeps_time(each) for tree in _trees(flag, value) for chain in tree for each in chain
    )


def _filter_keeps_time(each: graph.Filter) -> bool:
    if each.name == "fps":
        options = dict(each.options)
        rate = options.get("fps") or options.get(None) or ""
        return set(options) <= {None, "fps"} and _number(rate) >= LEAST_RATE
    return each.name in FILTERS_KEEP_TIME


def _number(text: str) -> float:
    try:
        return values.frames_per_second(text)
    except ValueError:
        return 0.0


def _trees(flag: str, value: str | None) -> list[graph.Graph]:
    graphs = _base(flag) in ("vf", "af", "filter", "filter_complex")
    return [graph.parse(value)] if graphs and value else []


def _least(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)
