"""What callers may ask of ffmpeg: the flags, and the filters' options. Extend by adding rows."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from lib.media.request import policy
from lib.media.request.values import (
    BITRATE,
    BOOLEAN,
    KINDS,
    LAYOUT,
    PIXEL_FORMAT,
    RATE,
    RATIO,
    SIGNED_TIME,
    SIZE,
    TIME,
    WORD,
    Kind,
    choice,
    flags,
    integer,
    listed,
    number,
    pattern,
    renamed,
)

VIDEO_CODECS = {
    "libx264": "libx264", "h264": "libx264", "x264": "libx264", "avc": "libx264",
    "libx265": "libx265", "hevc": "libx265", "h265": "libx265", "x265": "libx265",
    "libvpx-vp9": "libvpx-vp9", "vp9": "libvpx-vp9", "libvpx": "libvpx", "vp8": "libvpx",
    "libsvtav1": "libsvtav1", "av1": "libsvtav1", "libaom-av1": "libaom-av1",
    "mpeg4": "mpeg4", "mpeg2video": "mpeg2video", "libxvid": "mpeg4",
    "prores": "prores", "prores_ks": "prores_ks", "dnxhd": "dnxhd", "ffv1": "ffv1",
    "mjpeg": "mjpeg", "png": "png", "gif": "gif", "libwebp": "libwebp", "webp": "libwebp",
    "libwebp_anim": "libwebp_anim", "qtrle": "qtrle", "rawvideo": "rawvideo", "copy": "copy",
}  # fmt: skip
AUDIO_CODECS = {
    "aac": "aac", "libfdk_aac": "aac", "aac_at": "aac",
    "libmp3lame": "libmp3lame", "mp3": "libmp3lame",
    "libopus": "libopus", "opus": "libopus", "libvorbis": "libvorbis", "vorbis": "libvorbis",
    "flac": "flac", "alac": "alac", "ac3": "ac3", "eac3": "eac3",
    "pcm_s16le": "pcm_s16le", "pcm_s24le": "pcm_s24le", "pcm_s32le": "pcm_s32le",
    "pcm_f32le": "pcm_f32le", "pcm_u8": "pcm_u8", "pcm_s16be": "pcm_s16be",
    "pcm_mulaw": "pcm_mulaw", "pcm_alaw": "pcm_alaw", "adpcm_ima_wav": "adpcm_ima_wav",
    "copy": "copy",
}  # fmt: skip
MUXERS = ("mp4", "webm", "mov", "avi", "mp3", "ipod", "adts", "wav", "ogg", "opus", "flac",
          "image2", "gif", "webp")  # fmt: skip


class Flag(NamedTuple):
    """A flag: what its argument is (None: it takes none), and of which streams it may speak."""

    kind: Kind | None
    says: str
    streams: str = ""
    """Kinds of streams a specifier may name: v, a, s; a specifier is needed where `needs`."""
    needs: bool = False


def _parameters(allowed: str) -> Kind:
    """key=value:key=value of an encoder's own options; none of the keys names a file."""
    keys = frozenset(allowed.split())
    says = "key=value pairs joined by : of the keys listed in docs/allowed.md"

    def parse(text: str) -> str:
        written = []
        for part in text.split(":"):
            key, sign, value = part.strip().partition("=")
            if key not in keys:
                raise ValueError(f"{says}; {key[:30]!r} is not one of them")
            if sign and not re.fullmatch(r"[A-Za-z0-9.,+_-]{1,60}", value):
                raise ValueError(f"{says}; {key} has another value than {value[:30]!r}")
            written.append(f"{key}{sign}{value}")
        return ":".join(written)

    return Kind(says, parse)


X264 = """
    keyint min-keyint scenecut no-scenecut intra-refresh bframes b-adapt b-bias b-pyramid open-gop
    cabac no-cabac ref deblock no-deblock slices tff bff constrained-intra pulldown qp crf
    rc-lookahead vbv-maxrate vbv-bufsize vbv-init crf-max qpmin qpmax qpstep ratetol ipratio pbratio
    chroma-qp-offset aq-mode aq-strength mbtree no-mbtree qcomp cplxblur qblur partitions direct
    weightb no-weightb weightp me merange mvrange subme psy psy-rd no-psy mixed-refs no-mixed-refs
    chroma-me no-chroma-me 8x8dct no-8x8dct trellis fast-pskip no-fast-pskip no-dct-decimate nr
    deadzone-inter deadzone-intra overscan videoformat range fullrange colorprim transfer
    colormatrix chromaloc nal-hrd filler force-cfr sar level bluray-compat stitchable
    sliced-threads bitrate fps
"""
X265 = """
    keyint min-keyint scenecut no-scenecut scenecut-bias bframes b-adapt b-pyramid no-b-pyramid
    b-intra bframe-bias open-gop no-open-gop closed-gop ref limit-refs deblock no-deblock sao no-sao
    qp crf bitrate rc-lookahead vbv-maxrate vbv-bufsize vbv-init crf-max crf-min qpmin qpmax qpstep
    ipratio pbratio cbqpoffs crqpoffs aq-mode aq-strength aq-motion cutree no-cutree qcomp cplxblur
    qblur weightb weightp no-weightp me merange subme max-merge rect no-rect amp no-amp rd
    rdoq-level
    psy-rd psy-rdoq ctu min-cu-size max-tu-size tu-intra-depth tu-inter-depth limit-tu limit-modes
    tskip early-skip fast-intra strong-intra-smoothing constrained-intra signhide lossless
    profile level-idc level high-tier overscan videoformat range colorprim transfer colormatrix
    chromaloc hdr10 hdr10-opt hdr-opt repeat-headers aud hrd info sar log-level rskip frame-dup
    max-cll no-info temporal-layers tune preset
"""
SVTAV1 = """
    preset crf qp rc tbr mbr keyint irefresh-type lookahead tile-rows tile-columns scd tune
    film-grain film-grain-denoise enable-overlays enable-qm qm-min qm-max aq-mode fast-decode
    enable-tf enable-cdef enable-restoration enable-dlf min-qp max-qp hierarchical-levels
    color-primaries transfer-characteristics matrix-coefficients color-range pred-struct
    enable-variance-boost variance-boost-strength sharpness
"""
AOM = """
    cpu-used end-usage cq-level target-bitrate min-q max-q kf-max-dist kf-min-dist lag-in-frames
    tile-columns tile-rows row-mt enable-cdef enable-restoration aq-mode tune denoise-noise-level
    film-grain-test enable-fwd-kf arnr-maxframes arnr-strength
"""

_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
            "veryslow",
            "default", "picture", "photo", "drawing", "icon", "text",
            *(str(step) for step in range(14)))  # fmt: skip
"""Of x264 and x265, libwebp, and SVT-AV1. placebo costs much and gains nothing."""

_COMMON: dict[str, Flag] = {
    "ss": Flag(TIME, "start here"),
    "t": Flag(TIME, "take this much"),
    "to": Flag(TIME, "stop here"),
    "an": Flag(None, "drop the audio"),
    "vn": Flag(None, "drop the video"),
    "sn": Flag(None, "leave subtitles out"),
    "dn": Flag(None, "leave data streams out"),
    "r": Flag(RATE, "frames a second", "v"),
    "fflags": Flag(flags("genpts", "igndts", "discardcorrupt", "nobuffer", "bitexact",
                         "fastseek", "sortdts", "autobsf"), "flags of the container"),
    "copyts": Flag(None, "keep the timestamps"),
    "start_at_zero": Flag(None, "with -copyts, begin at zero"),
}  # fmt: skip

_OUTPUT: dict[str, Flag] = _COMMON | {
    # Codecs and streams
    "c": Flag(None, "the encoder, or copy", "vas"),  # by stream, in codec_kind
    "map": Flag(pattern("a stream such as 0:v, 1:a:0, 0:a? or a label such as [out]",
                        r"-?[0-9]{1,2}(?::[vasd](?::[0-9]{1,2})?|:[0-9]{1,2})?\??"
                        r"|\[[A-Za-z0-9_:.-]{1,40}\]"), "take this stream"),
    "filter": Flag(None, "a filter graph", "va", needs=True),  # in request._graph_flag
    "shortest": Flag(None, "end with the shortest stream"),
    "shortest_buf_duration": Flag(number(0, 30), "seconds looked ahead for -shortest"),
    "frames": Flag(integer(1, 1_000_000), "so many frames", "vas", needs=True),
    "bsf": Flag(listed(choice("h264_mp4toannexb", "hevc_mp4toannexb", "aac_adtstoasc",
                              "extract_extradata", "dump_extra", "null", "vp9_superframe",
                              "h264_redundant_pps", "mpeg4_unpack_bframes", "remove_extra"),
                       ","), "bitstream filters", "va"),
    "tag": Flag(pattern("a tag of four letters such as hvc1", r"[A-Za-z0-9]{4}"),
                "the codec's tag in the file", "vas"),
    "disposition": Flag(flags("default", "dub", "original", "comment", "forced", "0",
                              "attached_pic", "captions", "hearing_impaired"),
                        "what a stream is for", "vas"),
    "metadata": Flag(pattern("key=value", r"[A-Za-z0-9_ -]{1,60}=[^\0]{0,2000}"),
                     "a tag of the file", "vasg"),
    "map_metadata": Flag(integer(-1, 9), "-1 drops an input's tags, 0 keeps the first's"),
    "map_chapters": Flag(integer(-1, 9), "-1 drops an input's chapters, 0 keeps the first's"),
    # Quality and speed
    "b": Flag(BITRATE, "bit rate", "va"),
    "maxrate": Flag(BITRATE, "highest bit rate", "va"),
    "minrate": Flag(BITRATE, "lowest bit rate", "va"),
    "bufsize": Flag(BITRATE, "buffer of the rate control", "va"),
    "crf": Flag(number(-1, 63), "constant quality; lower is better", "v"),
    "qp": Flag(integer(-1, 255), "constant quantiser", "v"),
    "q": Flag(number(-1, 69), "quality; lower is better for most", "va"),
    "qmin": Flag(integer(-1, 69), "lowest quantiser", "v"),
    "qmax": Flag(integer(-1, 1024), "highest quantiser", "v"),
    "qcomp": Flag(number(0, 1), "curve of the quantiser", "v"),
    "qdiff": Flag(integer(-1, 69), "largest step of the quantiser", "v"),
    "i_qfactor": Flag(number(-10, 10), "quantiser of I against P frames", "v"),
    "b_qfactor": Flag(number(-10, 10), "quantiser of B against P frames", "v"),
    "partitions": Flag(listed(choice("none", "all", "p8x8", "p4x4", "b8x8", "i8x8", "i4x4"), ","),
                       "how blocks are split", "v"),
    "preset": Flag(choice(*_PRESETS), "speed against size", "v"),
    "tune": Flag(choice("film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode",
                        "zerolatency", "0", "1", "2"), "what kind of video it is", "v"),
    "profile": Flag(pattern("a profile such as high, main10 or aac_low",
                            r"[a-z][a-z0-9_]{1,20}|-?[0-9]{1,3}"), "the codec's profile", "va"),
    "level": Flag(pattern("a level such as 4.1", r"[0-9](?:\.[0-9])?|[0-9]{2,3}"),
                  "the codec's level", "v"),
    "g": Flag(integer(0, 10_000), "key frames at most so many frames apart", "v"),
    "keyint_min": Flag(integer(0, 10_000), "and at least so many", "v"),
    "bf": Flag(integer(-1, 16), "B frames in a row", "v"),
    "refs": Flag(integer(0, 16), "reference frames", "v"),
    "sc_threshold": Flag(integer(0, 10**9), "when a change of scene makes a key frame", "v"),
    "force_key_frames": Flag(pattern(
        "times joined by commas, or expr:gte(t,n_forced*2)",
        r"[0-9:.]{1,20}(?:,[0-9:.]{1,20}){0,200}"
        r"|expr:\s*gte\(\s*t\s*,\s*n_forced\s*\*\s*[0-9.]{1,8}\s*\)|source"),
        "key frames here", "v"),
    "trellis": Flag(integer(-1, 2), "trellis quantisation", "va"),
    "me_range": Flag(integer(0, 64), "range of the motion search", "v"),
    "subq": Flag(integer(0, 11), "sub-pixel search", "v"),
    "b_strategy": Flag(integer(0, 2), "how B frames are placed", "v"),
    "coder": Flag(choice("default", "cavlc", "cabac", "vlc", "ac", "0", "1", "-1"), "entropy", "v"),
    "rc-lookahead": Flag(integer(0, 250), "frames looked ahead", "v"),
    "rc_lookahead": Flag(integer(0, 250), "frames looked ahead", "v"),
    "aq-mode": Flag(integer(-1, 4), "adaptive quantisation", "v"),
    "aq-strength": Flag(number(0, 3), "its strength", "v"),
    "weightp": Flag(integer(0, 2), "weighted prediction", "v"),
    "nal-hrd": Flag(choice("none", "vbr", "cbr"), "rate signaling of H.264", "v"),
    "x264-params": Flag(_parameters(X264), "libx264's own options", "v"),
    "x265-params": Flag(_parameters(X265), "libx265's own options", "v"),
    "svtav1-params": Flag(_parameters(SVTAV1), "SVT-AV1's own options", "v"),
    "aom-params": Flag(_parameters(AOM), "libaom's own options", "v"),
    "deadline": Flag(choice("good", "realtime"), "speed of VP8 and VP9", "v"),
    "quality": Flag(pattern("good, realtime, or a number from 0 to 100 for WebP",
                            r"good|realtime|100|[0-9]{1,2}(?:\.[0-9]{1,2})?"),
                    "of WebP; speed of VP9", "v"),
    "cpu-used": Flag(integer(-16, 16), "speed of VP9 and AV1; higher is faster", "v"),
    "speed": Flag(integer(-16, 16), "speed of VP9", "v"),
    "row-mt": Flag(BOOLEAN, "use threads by rows", "v"),
    "tile-columns": Flag(integer(-1, 6), "columns coded apart", "v"),
    "tile-rows": Flag(integer(-1, 6), "rows coded apart", "v"),
    "frame-parallel": Flag(BOOLEAN, "decodable in parallel", "v"),
    "auto-alt-ref": Flag(integer(-1, 6), "alternate reference frames", "v"),
    "lag-in-frames": Flag(integer(-1, 35), "frames looked ahead", "v"),
    "usage": Flag(choice("good", "realtime", "allintra"), "what AV1 is coded for", "v"),
    "static-thresh": Flag(integer(0, 10**9), "VP8 and VP9: below it, blocks are skipped", "v"),
    "max-intra-rate": Flag(integer(0, 10_000), "VP8 and VP9: largest key frames, in %", "v"),
    "undershoot-pct": Flag(integer(-1, 100), "VP9: how far the rate may fall, in %", "v"),
    "overshoot-pct": Flag(integer(-1, 1000), "VP9: how far the rate may rise, in %", "v"),
    "arnr-maxframes": Flag(integer(-1, 15), "VP9: frames in an alternate reference", "v"),
    "arnr-strength": Flag(integer(-1, 6), "VP9: how strongly these are filtered", "v"),
    "arnr-type": Flag(integer(-1, 3), "VP9: to which side these look", "v"),
    "error-resilient": Flag(integer(0, 3, ("default", "partitions")), "VP9: for lossy networks",
                            "v"),
    "lossless": Flag(BOOLEAN, "lossless WebP or VP9", "v"),
    "compression_level": Flag(integer(0, 100), "effort of PNG, WebP, FLAC, Opus", "va"),
    "pred": Flag(choice("none", "sub", "up", "avg", "paeth", "mixed"), "PNG's prediction", "v"),
    "vendor": Flag(choice("apl0", "fmp4"), "ProRes' vendor", "v"),
    "bits_per_mb": Flag(integer(0, 8192), "ProRes' rate", "v"),
    "alpha_bits": Flag(choice("0", "8", "16"), "ProRes' alpha", "v"),
    "threads": Flag(integer(0, 16), "threads of an encoder; 0 lets us choose", "va"),
    "flags": Flag(flags("cgop", "global_header", "bitexact", "ildct", "ilme", "loop", "gray",
                        "qscale", "mv4", "qpel", "low_delay", "psnr", "pass0", "naq"),
                  "flags of the encoder", "va"),
    # Picture
    "pix_fmt": Flag(PIXEL_FORMAT, "pixel format", "v"),
    "s": Flag(SIZE, "size of the video", "v"),
    "aspect": Flag(RATIO, "aspect ratio shown", "v"),
    "fps_mode": Flag(choice("auto", "cfr", "vfr", "passthrough"), "constant or varying rate", "v"),
    "vsync": Flag(renamed({"0": "passthrough", "1": "cfr", "2": "vfr", "-1": "auto",
                           "auto": "auto", "cfr": "cfr", "vfr": "vfr",
                           "passthrough": "passthrough", "drop": "vfr"}), "as -fps_mode"),
    "color_primaries": Flag(WORD, "color primaries", "v"),
    "color_trc": Flag(WORD, "transfer characteristics", "v"),
    "colorspace": Flag(WORD, "color matrix", "v"),
    "color_range": Flag(WORD, "tv or pc", "v"),
    "chroma_sample_location": Flag(WORD, "place of the chroma samples", "v"),
    "field_order": Flag(choice("progressive", "tt", "bb", "tb", "bt"), "order of fields", "v"),
    "sws_flags": Flag(KINDS["scaler_flags"], "how pictures are scaled"),
    "loop": Flag(integer(-1, 65535), "how often a GIF or WebP repeats; 0 is forever"),
    "final_delay": Flag(integer(-1, 65535), "pause after a GIF's last frame, 1/100 s"),
    "gifflags": Flag(flags("offsetting", "transdiff"), "how a GIF is packed", "v"),
    # Sound
    "ac": Flag(integer(1, 8), "channels", "a"),
    "ar": Flag(integer(4000, 192_000), "samples a second", "a"),
    "sample_fmt": Flag(WORD, "sample format", "a"),
    "channel_layout": Flag(LAYOUT, "channel layout", "a"),
    "ch_layout": Flag(LAYOUT, "channel layout", "a"),
    "vbr": Flag(choice("off", "on", "constrained", "0", "1", "2", "3", "4", "5"),
                "Opus' rate", "a"),
    "application": Flag(choice("voip", "audio", "lowdelay"), "what Opus is for", "a"),
    "frame_duration": Flag(number(2.5, 120), "Opus' frames, in milliseconds", "a"),
    "abr": Flag(BOOLEAN, "MP3's average bit rate", "a"),
    "joint_stereo": Flag(BOOLEAN, "MP3's joint stereo", "a"),
    "cutoff": Flag(integer(0, 96_000), "highest frequency kept", "a"),
    "aac_coder": Flag(choice("twoloop", "fast", "anmr"), "AAC's coder", "a"),
    "async": Flag(integer(0, 10_000), "stretch the audio to its timestamps"),
    # Container
    "f": Flag(choice(*MUXERS), "the container; outputFormat chooses it"),
    "movflags": Flag(flags("faststart", "frag_keyframe", "empty_moov", "default_base_moof",
                           "separate_moof", "negative_cts_offsets", "use_metadata_tags",
                           "write_colr", "prefer_icc", "skip_trailer", "frag_every_frame", "cmaf",
                           "delay_moov", "omit_tfhd_offset", "disable_chpl"),
                     "how MP4 and MOV are laid out"),
    "frag_duration": Flag(integer(0, 60_000_000), "length of fragments, in microseconds"),
    "video_track_timescale": Flag(integer(0, 1_000_000), "ticks a second of MP4's video"),
    "brand": Flag(pattern("a brand of four letters", r"[A-Za-z0-9]{4}"), "MP4's brand"),
    "write_tmcd": Flag(BOOLEAN, "write a timecode track"),
    "id3v2_version": Flag(choice("0", "3", "4"), "version of MP3's tags"),
    "write_id3v1": Flag(BOOLEAN, "write MP3's old tags"),
    "write_xing": Flag(BOOLEAN, "write MP3's index"),
    "max_muxing_queue_size": Flag(integer(1, 9999), "packets kept until all streams began"),
    "max_interleave_delta": Flag(integer(0, 100_000_000), "microseconds between streams"),
    "muxdelay": Flag(number(0, 10), "longest delay, in seconds"),
    "muxpreload": Flag(number(0, 10), "first delay, in seconds"),
    "avoid_negative_ts": Flag(choice("auto", "disabled", "make_non_negative", "make_zero", "0",
                                     "1", "2", "-1"), "shift the timestamps"),
    "strict": Flag(choice("very", "strict", "normal", "unofficial", "experimental", "-2", "-1",
                          "0", "1", "2"), "how strictly standards are followed", "va"),
    "copyinkf": Flag(None, "keep frames before the first key frame when copying", "v"),
    "autorotate": Flag(None, "rotate the video as its file says"),
    "bitexact": Flag(None, "leave versions out of the file"),
}  # fmt: skip

_INPUT: dict[str, Flag] = _COMMON | {
    "sseof": Flag(SIGNED_TIME, "start so long before the end, such as -3"),
    "itsoffset": Flag(SIGNED_TIME, "shift the timestamps"),
    "itsscale": Flag(number(0.01, 100), "stretch the timestamps"),
    "stream_loop": Flag(integer(-1, 1000), "repeat so often; -1 is forever"),
    "loop": Flag(choice("0", "1"), "repeat an image forever"),
    "ignore_loop": Flag(BOOLEAN, "0 repeats a GIF as it says itself"),
    "framerate": Flag(RATE, "pictures a second"),
    "accurate_seek": Flag(None, "start at the exact frame"),
    "noaccurate_seek": Flag(None, "start at a key frame"),
    "noautorotate": Flag(None, "don't rotate the video as its file says"),
    "autorotate": Flag(None, "rotate the video as its file says"),
    "display_rotation": Flag(number(-360, 360), "rotate the video, in degrees", "v"),
    "c": Flag(None, "the decoder: libvpx-vp9 or libvpx, for their alpha", "v"),
    "thread_queue_size": Flag(integer(1, 4096), "packets read ahead"),
    "analyzeduration": Flag(pattern("microseconds, such as 20M", r"[0-9]{1,9}[kM]?"),
                            "how much is looked at first"),
    "probesize": Flag(pattern("bytes, such as 50M", r"[0-9]{1,9}[kM]?"),
                      "how much is looked at first"),
}  # fmt: skip

DECODERS = {"libvpx-vp9": "libvpx-vp9", "libvpx": "libvpx"}

ALIASES = {
    "codec": "c", "vcodec": "c:v", "acodec": "c:a", "scodec": "c:s", "vf": "filter:v",
    "af": "filter:a", "qscale": "q", "aq": "q:a", "ab": "b:a", "vb": "b:v", "vframes": "frames:v",
    "aframes": "frames:a", "vtag": "tag:v", "atag": "tag:a", "x264opts": "x264-params",
    "lavfi": "filter_complex", "ab:a": "b:a", "vbsf": "bsf:v", "absf": "bsf:a",
    }  # fmt: skip
SPOKEN = {"filter:v": "-vf", "filter:a": "-af", "vsync": "-fps_mode"}
"""Flags that are written otherwise than they are looked up."""

ADVICE = {
    "i": "Name every file in `inputs`.",
    "y": "Leave it out: an output is always new.",
    "n": "Leave it out: an output is always new.",
    "f": "Leave it out: ffmpeg finds an input's format. In place of -f lavfi, color, anullsrc and"
    " others may stand in the graph; in place of -f concat, files in a row in `inputs` are joined.",
    "update": "Leave it out: of a picture one file is made.",
    "safe": "Leave it out: files in a row in `inputs` are joined.",
    "reconnect": "Leave it out: a broken transfer is taken up again.",
    "hwaccel": "Leave it out: jobs run on CPUs.",
    "re": "Leave it out: it would only slow the job down.",
    "pass": "Use -crf, or -b:v with -maxrate and -bufsize: one pass comes close.",
    "passlogfile": "Use -crf, or -b:v with -maxrate and -bufsize: one pass comes close.",
    "filter_script": "Send the graph itself in `filters`, -vf or -af.",
    "filter_complex_script": "Send the graph itself in `filters`.",
    "protocol_whitelist": "Send the file's own URL in `inputs`; playlists are not followed.",
    "headers": "Use a signed URL, or upload the file.",
    "user_agent": "Use a URL that needs none, or upload the file.",
    "hls_time": "One file is made per job: use mp4 with -movflags +frag_keyframe+empty_moov.",
    "segment_time": "One file is made per job: send a job with -ss and -t for each part.",
    "loglevel": "Leave it out: the job's row tells what ffmpeg said.",
    "hide_banner": "Leave it out: the job's row tells what ffmpeg said.",
    "nostdin": "Leave it out: it is always set.",
    "vol": "Use -af volume=0.5.",
}
"""What to do instead, for flags that people paste and that stay refused."""

_NAME = re.compile(
    r"-(?P<base>[A-Za-z0-9_][A-Za-z0-9_-]{0,40})"
    r"(?P<stream>(?::s:[vas]|:[vasg])?(?::[0-9]{1,2})?)"
)


class FlagUse(NamedTuple):
    """A flag as a request has it: how it is written, its row, and what its specifier says."""

    written: str
    base: str
    stream: str
    flag: Flag


def find(option: str, *, output: bool) -> FlagUse | None:
    """The row of a flag such as -c:v:0; None when callers may not use it there."""
    table = _OUTPUT if output else _INPUT
    match = _NAME.fullmatch(option)
    if match is None:
        return None
    base, stream = match["base"], match["stream"]
    if base in ALIASES:
        base, colon, kind = ALIASES[base].partition(":")
        if colon and stream.startswith((":v", ":a", ":s")):
            return None
        stream = colon + kind + stream
    flag = table.get(base)
    if flag is None:
        return None
    letter = stream[1:2]
    if letter.isalpha() and letter not in flag.streams:
        return None
    if (letter.isdigit() and not flag.streams) or (flag.needs and not letter.isalpha()):
        return None
    key = f"{base}:{letter}" if letter.isalpha() else base
    written = SPOKEN.get(f"{base}{stream}", f"-{base}{stream}")
    return FlagUse(written, key, stream, flag)


@cache
def codec_kind(letter: str, *, output: bool) -> Kind:
    """What -c may name for the streams of a kind ("" for all of them)."""
    if not output:
        return renamed(DECODERS)
    match letter:
        case "v":
            return renamed(VIDEO_CODECS)
        case "a":
            return renamed(AUDIO_CODECS)
        case _:
            return Kind("copy; name the codecs with -c:v and -c:a", choice("copy").parse)


def flags_of(*, output: bool) -> dict[str, Flag]:
    """All rows, for the page that lists them."""
    return _OUTPUT if output else _INPUT


def names(*, output: bool) -> list[str]:
    """What callers may use, as they write it."""
    written = []
    for base, flag in (_OUTPUT if output else _INPUT).items():
        if flag.needs or base == "c":
            written += [
                SPOKEN.get(f"{base}:{letter}", f"-{base}:{letter}") for letter in flag.streams
            ]
        else:
            written.append(f"-{base}")
    return sorted(written + (["-filter_complex"] if output else []))


class Option(NamedTuple):
    """An option of a filter: its kind, None for one that callers may not give."""

    name: str
    kind: Kind | None
    says: str


class FilterTable(NamedTuple):
    """A filter: its options by every name, those given by position in order, and its pads."""

    says: str
    options: dict[str, Option]
    positional: list[Option]
    timeline: bool
    inputs: str
    """A letter for each pad, V or A; N where options tell how many; empty for a source."""
    outputs: str


class _Described(msgspec.Struct):
    names: list[str]
    type: str = ""
    low: float | None = msgspec.field(name="from", default=None)
    high: float | None = msgspec.field(name="to", default=None)
    words: list[str] = []
    positional: bool = False
    withheld: bool = False
    says: str = ""


class _Filter(msgspec.Struct):
    says: str
    timeline: bool
    inputs: str
    outputs: str
    options: list[_Described]


@cache
def filters() -> dict[str, FilterTable]:
    """Every filter that callers may use."""
    data = (Path(__file__).parent / "filters.json").read_bytes()
    described = msgspec.json.decode(data, type=dict[str, _Filter])
    return {name: _table(each) for name, each in described.items() if name in policy.ALLOWED}


def _table(described: _Filter) -> FilterTable:
    by_name: dict[str, Option] = {}
    positional: list[Option] = []
    for each in described.options:
        option = Option(each.names[0], None if each.withheld else _kind(each), each.says)
        by_name |= dict.fromkeys(each.names, option)
        if each.positional:
            positional.append(option)
    if described.timeline:
        enable = Option("enable", KINDS["expression"], "when the filter is at work")
        by_name["enable"] = enable
    return FilterTable(
        described.says, by_name, positional, described.timeline, described.inputs,
        described.outputs,
    )  # fmt: skip


def _kind(each: _Described) -> Kind:
    """Of ffmpeg's types, numbers with their range and their words; the rest have a kind by name."""
    low = -1e300 if each.low is None else each.low
    high = 1e300 if each.high is None else each.high
    match each.type:
        case "int" | "int64" | "uint" | "uint64":
            return integer(low, high, each.words)
        case "float" | "double":
            return number(low, high, each.words)
        case "ints" | "floats" | "doubles":
            return listed(number(low, high, each.words))
        case "flags":
            return flags(*each.words) if each.words else WORD
        case known:
            return KINDS[known]
