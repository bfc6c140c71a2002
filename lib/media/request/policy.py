"""Which filters callers may use, and what may stand in those of their options that are text.

Numbers, words, colors and sizes of an allowed filter are harmless, so ffmpeg's own description of
them (filters.json, made by `make tables`) is the table. Text is where files, devices and servers
hide: a text option exists for callers only if it has a kind here. What is not named is refused.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


VIDEO = _words(
    """
    alphaextract alphamerge amplify atadenoise avgblur backgroundkey bbox bilateral blend
    boxblur bwdif cas chromahold chromakey chromanr chromashift colorbalance colorchannelmixer
    colorcontrast colorcorrect colorhold colorize colorkey colorlevels colormap colormatrix
    colorspace colortemperature concat convolution copy crop curves dblur deband deblock
    decimate dedot deflate deflicker dejudder delogo despill deshake detelecine dilation
    displace drawbox drawgrid drawtext edgedetect epx eq erosion estdif exposure extractplanes
    fade fftdnoiz fieldmatch fieldorder fillborders format fps framerate framestep freezeframes
    gblur geq gradfun grayworld haldclut hflip histeq histogram hqdn3d hqx hstack hsvhold hsvkey
    hue huesaturation hysteresis identity il inflate interlace interleave kerndeint kirsch
    lagfun lenscorrection limiter loop lumakey lut lut2 lutrgb lutyuv maskedclamp maskedmerge
    maskfun median mergeplanes midequalizer minterpolate mix monochrome morpho mpdecimate
    multiply negate nlmeans noise normalize null oscilloscope overlay owdenoise pad palettegen
    paletteuse perspective phase photosensitivity pixelize premultiply prewitt pseudocolor
    pullup random removegrain repeatfields reverse rgbashift roberts rotate sab scale scale2ref
    scharr scroll select selectivecolor separatefields setdar setfield setparams setpts setrange
    setsar settb shear shuffleframes shufflepixels shuffleplanes smartblur sobel split stereo3d
    subtitles super2xsai swaprect swapuv tblend telecine threshold thumbnail tile tiltandshift
    tinterlace tlut2 tmedian tmidequalizer tmix tonemap tpad transpose trim unpremultiply
    unsharp untile v360 vaguedenoiser vectorscope vflip vibrance vignette vstack w3fdif waveform
    weave xbr xfade xmedian xstack yadif yaepblur zoompan zscale ass
    """
)
AUDIO = _words(
    """
    acompressor acontrast acopy acrossfade acrossover acrusher adeclick adeclip adelay adenorm
    aecho aemphasis aeval aexciter afade afftdn aformat afreqshift afwtdn agate ainterleave
    alimiter allpass aloop amerge amix anequalizer anlmdn anull apad aphaser aphaseshift
    apsyclip apulsator aresample areverse aselect asetnsamples asetpts asetrate asettb asoftclip
    asplit asubboost asubcut asupercut atempo atilt atrim bandpass bandreject bass biquad
    channelmap channelsplit chorus compand compensationdelay crossfeed crystalizer dcshift
    deesser dialoguenhance dynaudnorm earwax equalizer extrastereo flanger haas highpass
    highshelf join loudnorm lowpass lowshelf mcompand pan rubberband sidechaincompress
    sidechaingate silenceremove speechnorm stereotools stereowiden superequalizer surround
    tiltshelf treble tremolo vibrato virtualbass volume
    """
)
PICTURES_OF_SOUND = _words(
    """
    ahistogram aphasemeter avectorscope showcqt showcwt showfreqs showspatial showspectrum
    showspectrumpic showvolume showwaves showwavespic
    """
)
SOURCES = _words(
    """
    aevalsrc anoisesrc anullsrc color colorchart colorspectrum gradients nullsrc pal75bars
    rgbtestsrc sine smptebars smptehdbars testsrc testsrc2 yuvtestsrc
    """
)
"""Pictures and sounds made of nothing."""

ALLOWED = frozenset(VIDEO + AUDIO + PICTURES_OF_SOUND + SOURCES)


def _texts(kind: str, listed: str) -> dict[tuple[str, str], str]:
    """{(filter, option): kind} of lines such as "crop: w h x y"."""
    return {
        (name.strip(), option): kind
        for line in listed.strip().splitlines()
        for name, _, options in [line.partition(":")]
        for option in options.split()
    }


TEXTS: dict[tuple[str, str], str] = {
    **_texts(
        "expression",
        """
        aselect: expr
        asetpts: expr
        blend: c0_expr c1_expr c2_expr c3_expr all_expr
        boxblur: luma_radius chroma_radius alpha_radius
        crop: out_w out_h x y
        delogo: x y w h
        drawbox: x y width height thickness
        drawgrid: x y width height thickness
        drawtext: fontsize x y alpha
        eq: contrast brightness saturation gamma gamma_r gamma_g gamma_b gamma_weight
        geq: lum_expr cb_expr cr_expr alpha_expr red_expr green_expr blue_expr
        hue: h s H b
        lut: c0 c1 c2 c3 y u v r g b a
        lut2: c0 c1 c2 c3
        lutrgb: c0 c1 c2 c3 y u v r g b a
        lutyuv: c0 c1 c2 c3 y u v r g b a
        overlay: x y
        perspective: x0 y0 x1 y1 x2 y2 x3 y3
        pseudocolor: c0 c1 c2 c3
        rotate: angle
        select: expr
        setpts: expr
        showcqt: sono_v volume bar_v volume2 tlength
        swaprect: w h x1 y1 x2 y2
        tblend: c0_expr c1_expr c2_expr c3_expr all_expr
        tlut2: c0 c1 c2 c3
        vignette: angle x0 y0
        volume: volume
        xfade: expr
        zoompan: zoom x y
        """,
    ),
    **_texts(
        "side",
        """
        pad: width height x y
        rotate: out_w out_h
        scale: height h
        scale2ref: height h
        zscale: h height
        """,
    ),
    **_texts("side_or_size", "scale: width w\nscale2ref: width w\nzscale: w width"),
    **_texts("expressions", "aeval: exprs\naevalsrc: exprs"),
    **_texts("frames", "zoompan: d"),
    **_texts("timebase", "settb: expr tb\nasettb: expr tb"),
    **_texts("size", "scale: size s\nscale2ref: size s\nzscale: size s"),
    **_texts("rate", "fps: fps\nshowcwt: rate r\nshowspectrum: fps"),
    **_texts("sample_rate", "aevalsrc: sample_rate s"),
    **_texts("ratio", "setdar: dar ratio r\nsetsar: sar ratio r"),
    **_texts("scaler_flags", "scale: flags\nscale2ref: flags"),
    **_texts("color", "drawbox: color c\ndrawgrid: color c\nrotate: fillcolor c"
             "\nshear: fillcolor c\nxstack: fill"),
    **_texts("colors", "showwaves: colors\nshowwavespic: colors\nshowfreqs: colors"),
    **_texts("volume_color", "showvolume: c"),
    **_texts("box_border", "drawtext: boxborderw"),
    **_texts("drawn_text", "drawtext: text"),
    **_texts("font", "drawtext: font"),
    **_texts("timecode", "drawtext: timecode"),
    **_texts("pixel_formats", "format: pix_fmts"),
    **_texts("words", "format: color_spaces color_ranges alpha_modes"),
    **_texts("stack_layout", "xstack: layout"),
    **_texts(
        "numbers",
        """
        acrossover: split gain
        adelay: delays
        aecho: delays decays
        afftdn: band_noise
        amix: weights
        chorus: delays decays speeds depths
        compand: attacks decays points
        convolution: 0m 1m 2m 3m
        detelecine: pattern
        mix: weights
        selectivecolor: reds yellows greens cyans blues magentas whites neutrals blacks
        shuffleframes: mapping
        telecine: pattern
        tmix: weights
        """,
    ),
    **_texts("curve", "curves: master m red r green g blue b all"),
    **_texts("equalizer_bands", "anequalizer: params"),
    **_texts("mcompand_bands", "mcompand: args"),
    **_texts("pan", "pan: args"),
    **_texts("channel_map", "channelmap: map\njoin: map"),
    **_texts(
        "channels",
        """
        aeval: channel_layout c
        aevalsrc: channel_layout c
        allpass: channels
        asubboost: channels
        bandpass: channels
        bandreject: channels
        bass: channels
        biquad: channels
        channelsplit: channels
        dynaudnorm: channels
        equalizer: channels
        highpass: channels
        highshelf: channels
        lowpass: channels
        lowshelf: channels
        showfreqs: channels
        speechnorm: channels
        tiltshelf: channels
        treble: channels
        """,
    ),
    **_texts("subtitles", "subtitles: filename\nass: filename"),
    **_texts("charenc", "subtitles: charenc"),
    **_texts("subtitle_style", "subtitles: force_style"),
    **_texts("size", "subtitles: original_size\nass: original_size"),
}  # fmt: skip
"""The kinds (values.KINDS) of the text options that callers may give."""

WITHHELD = frozenset({
    ("drawtext", "basetime"), ("drawtext", "reload"), ("drawtext", "ft_load_flags"),
    ("subtitles", "stream_index"), ("subtitles", "si"),
})  # fmt: skip
"""Options of other types that make sense for files of one's own only."""

TIGHTER: dict[tuple[str, str], tuple[float, float]] = {
    ("aloop", "size"): (0, 10_000_000),
    ("amerge", "inputs"): (2, 16),
    ("amix", "inputs"): (1, 32),
    ("asplit", "outputs"): (1, 16),
    ("concat", "n"): (1, 100),
    ("hstack", "inputs"): (2, 16),
    ("interleave", "nb_inputs"): (1, 16),
    ("loop", "size"): (0, 2000),
    ("median", "radius"): (1, 20),
    ("nlmeans", "p"): (0, 15),
    ("nlmeans", "pc"): (0, 15),
    ("nlmeans", "r"): (0, 21),
    ("nlmeans", "rc"): (0, 21),
    ("split", "outputs"): (1, 16),
    ("thumbnail", "n"): (2, 500),
    ("tmix", "frames"): (1, 64),
    ("tmedian", "radius"): (1, 20),
    ("vstack", "inputs"): (2, 16),
    ("xmedian", "inputs"): (3, 16),
    ("xstack", "inputs"): (2, 16),
    ("yaepblur", "radius"): (0, 20),
}
"""Narrower ranges than ffmpeg's own, where a large number only burns memory or time."""

ADVICE: dict[str, str] = {
    "textfile": "Put the words into text=, or use @text-overlay.",
    "fontfile": "Name a packaged font with font=, such as font='Arial'; see docs/allowed.md.",
    "movie": "Send the file as one more input and refer to it as [1:v].",
    "amovie": "Send the file as one more input and refer to it as [1:a].",
    "lut3d": "Use curves, colorbalance, eq or haldclut with the table as one more input.",
    "lut1d": "Use curves, colorbalance or eq.",
    "psfile": "Give the points in master=, red=, green= and blue=.",
    "sendcmd": "Most options take expressions of t, or enable='between(t,1,2)'.",
    "asendcmd": "Most options take expressions of t, or enable='between(t,1,2)'.",
    "arnndn": "Use afftdn or anlmdn.",
    "frei0r": "The filters built into ffmpeg cover most of it.",
    "ladspa": "The filters built into ffmpeg cover most of it.",
    "vidstabdetect": "Use deshake.",
    "vidstabtransform": "Use deshake.",
}
"""What to do instead, for filters and options that people ask for and that stay refused."""
