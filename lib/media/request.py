"""The model of a create request, and the check of everything in it before a job exists.

Any request body is checked in time linear to its size: each text has a maximum length, and the
check stops at MAX_REFUSALS.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from lib.media import address, fonts, graph, policy, share_links, tables, urls, values, virtual
from lib.media.errors import Refusal, Refused
from lib.media.formats import Format, lookup
from lib.media.virtual import Virtual

MAX_INPUTS = 100
MAX_METADATA_BYTES = 8192
MAX_OPTIONS = 100
"""Options of the output, and of each input."""
MAX_ARGUMENT = 20_000
"""Characters of an argument."""
MAX_GRAPHS = 200_000
"""Characters of all filter graphs of a request."""
MAX_DEPTH = 50
MAX_FILTERS = 200
"""Filters of a graph."""
MAX_REMOTES = 10
MAX_DRAWN = 10
"""Texts that are drawn before the job: each @text-overlay and @quote-card."""
MAX_EXPIRE_AFTER = 7 * 24 * 3600
MAX_REFUSALS = 50
MAX_REFUSAL_CHARACTERS = 25_000
"""Characters of all refusals, so that an answer stays below 100 KB."""
MAX_WARNINGS = 50
MAX_SUGGESTIONS = 5
"""Unknown names of a request for which similar names are suggested."""

Scalar = str | int | float | bool
Argument = Annotated[
    Scalar | dict[str, Any] | None,
    # Checked by `check`, whose refusal names the flag.
    msgspec.Meta(extra_json_schema={"maxLength": MAX_ARGUMENT}),
]


class Option(msgspec.Struct, omit_defaults=True):
    """A flag of ffmpeg and its argument; a flag without one has none, null or ""."""

    option: Annotated[str, msgspec.Meta(max_length=100)]
    """A flag such as -crf, or a virtual option such as @trim."""
    argument: Argument = None
    """The value: text or number for a flag, an object for a virtual option; left out for a flag
    without a value."""


class Input(msgspec.Struct, omit_defaults=True):
    """A file to read: the gs:// address of an upload or output, or a public http(s) URL."""

    url: Annotated[
        str,
        # The length is that of the cleaned URL, which `check` refuses if it is longer.
        msgspec.Meta(min_length=1, extra_json_schema={"maxLength": address.MAX_LENGTH}),
    ]
    """A public http(s) URL, or the `gs://` address of one of your files."""
    options: Annotated[
        list[Option] | None, msgspec.Meta(extra_json_schema={"maxItems": MAX_OPTIONS})
    ] = None
    """ffmpeg's flags of this input, such as -ss."""


class Preset(msgspec.Struct, omit_defaults=True):
    """What to make when no options say it: high, medium, low are CRF 18, 23, 28 of H.264."""

    quality: Literal["high", "medium", "low"] | None = None
    """The target quality."""
    resolution: Literal["480p", "720p", "1080p", "4k"] | None = None
    """Fitted by the short side, never enlarged."""


class Filter(msgspec.Struct):
    """A filter graph; several are joined with `;` and handed over as -filter_complex."""

    filter: Annotated[str, msgspec.Meta(max_length=20_000)]
    """The filter graph's text."""


class TranscodeRequest(msgspec.Struct, omit_defaults=True):
    """A job: what to read, what to make, how."""

    inputs: Annotated[list[Input], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)]
    """Several without options are joined in order."""
    outputFormat: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    """mp4, webm, mov, avi, mp3, m4a, aac, wav, ogg, opus, flac, jpeg, png, gif or webp."""
    preset: Preset | None = None
    """Instead of options."""
    options: Annotated[list[Option], msgspec.Meta(max_length=MAX_OPTIONS)] | None = None
    """ffmpeg's flags of the output, and virtual options."""
    filters: Annotated[list[Filter], msgspec.Meta(max_length=20)] | None = None
    """A filter graph, as `-filter_complex` takes it."""
    metadata: dict[str, Any] | None = None
    """Kept with the job and given back, at most 8 KB as JSON."""
    expireAfter: Annotated[
        Annotated[int, msgspec.Meta(ge=0)] | None,
        msgspec.Meta(extra_json_schema={"maximum": MAX_EXPIRE_AFTER}),
    ] = None
    """Seconds after the job's end until its files are deleted, at most 604800 (7 days)."""


Flags = list[tuple[str, str | None]]
"""Flags as ffmpeg is told them."""


class Sources(NamedTuple):
    """What the operator says of the addresses that requests name."""

    allow: tuple[str, ...] = ()
    """host:port entries that may be named although they are not public."""
    resolve: Callable[[str], str] = str
    """A link to a file of our own storage as its gs:// address; any other address as it is."""


PUBLIC = Sources()
"""Public addresses only."""


class Remote(msgspec.Struct, frozen=True):
    """A file besides the inputs that a request names by address; ffmpeg knows it by `name`."""

    kind: Literal["subtitles", "image"]
    given: str
    """The address as the request has it."""
    url: str
    """Where the file is."""
    name: str
    """A plain file name in the job's folder, made by us."""


class Checked(msgspec.Struct):
    """All that a request asks of ffmpeg, normalised."""

    request: TranscodeRequest
    format: Format
    urls: list[str]
    """Where the inputs are."""
    inputs: list[Flags]
    """Their flags."""
    output: Flags
    graph: graph.Graph
    virtual: list[Virtual]
    remotes: list[Remote]
    warnings: list[str]
    notes: list[str]
    """What was done with addresses for the caller."""
    may_copy: bool = True
    """Whether streams may be copied without being asked to; false once that went wrong."""

    @property
    def filters(self) -> str | None:
        """The graph as ffmpeg is told it; None for none."""
        return graph.show(self.graph) if self.graph else None


def check(request: TranscodeRequest, sources: Sources = PUBLIC) -> Checked:
    """Everything that can be decided without the files. Raises Refused, naming every fault."""
    return _Check(request, sources).whole()


class _Check:
    """One pass over a request that collects all faults, up to MAX_REFUSALS."""

    def __init__(self, request: TranscodeRequest, sources: Sources) -> None:
        self.request = request
        self.sources = sources
        self.urls: list[str] = []
        self.refusals: list[Refusal] = []
        self.characters = 0
        self.suggestions = 0
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self.remotes: list[Remote] = []
        self.virtual: list[Virtual] = []

    def whole(self) -> Checked:
        self._sizes()
        self._clean_urls()
        request = self.request
        file_format = self._format()
        self._request()
        inputs = [self._input(number, item) for number, item in enumerate(request.inputs)]
        options = request.options or []
        complexes = [each for each in options if each.option in _COMPLEX]
        output = self._flags([each for each in options if each.option not in _COMPLEX], "options")
        texts = [each.filter for each in request.filters or []]
        for each in complexes:
            if isinstance(each.argument, str) and each.argument.strip():
                texts.append(each.argument)
            else:
                self._refuse(each.option, "its argument is missing.", "Give it a filter graph.")
        tree = self._graph(";".join(texts), "filters") if texts else ()
        self._mapped(output, tree)
        if file_format:
            self._fits(file_format, output)
            self._bounded(file_format, inputs, output)
        if self.refusals or file_format is None:
            raise Refused(self.refusals)
        return Checked(
            request,
            file_format,
            self.urls,
            inputs,
            output,
            tree,
            self.virtual,
            self.remotes,
            self.warnings,
            self.notes,
        )

    def _sizes(self) -> None:
        """Refuse what is too large before any of it is parsed. Raises Refused."""
        request = self.request
        lists = [(f"inputs[{at}]", item.options or []) for at, item in enumerate(request.inputs)]
        lists.append(("options", request.options or []))
        graphs = sum(len(each.filter) for each in request.filters or [])
        for where, options in lists:
            if len(options) > MAX_OPTIONS:
                self._refuse(where, f"it has more than {MAX_OPTIONS} options.", "Send fewer.")
                continue
            for each in options:
                text = each.argument if isinstance(each.argument, str) else ""
                graphs += len(text) if each.option.startswith(_GRAPHS) else 0
                if len(text) > MAX_ARGUMENT:
                    self._refuse(
                        _printable(each.option),
                        f"its argument has more than {MAX_ARGUMENT:,} characters.",
                        "Send a shorter one.",
                    )
        if graphs > MAX_GRAPHS:
            self._refuse(
                "the request", f"its filter graphs have more than {MAX_GRAPHS:,} characters."
            )
        arguments = [each.argument for _, options in lists for each in options]
        if not self.refusals and _too_deep(arguments):
            self._refuse("the request", f"it is nested more than {MAX_DEPTH} deep.")
        if self.refusals:
            raise Refused(self.refusals)

    def _refuse(self, what: str, rule: str, instead: str = "") -> None:
        """Add a refusal. Raises Refused with all of them when there are too many."""
        refusal = Refusal(_printable(what), _short(rule), _short(instead))
        self.characters += len(ascii(refusal))
        if len(self.refusals) == MAX_REFUSALS - 1 or self.characters > MAX_REFUSAL_CHARACTERS:
            count = len(self.refusals)
            more = Refusal("the request", f"it has more faults than these {count}.", _FIX_THESE)
            raise Refused([*self.refusals, more])
        self.refusals.append(refusal)

    def _similar(self, name: str, known: Iterable[str]) -> str:
        """A suggestion of names that look like `name`; empty when there is none."""
        self.suggestions += 1
        if self.suggestions > MAX_SUGGESTIONS:
            return ""
        close = difflib.get_close_matches(name[:60], known, 3)
        return f"Did you mean {' or '.join(close)}? " if close else ""

    def _format(self) -> Format | None:
        try:
            return lookup(self.request.outputFormat)
        except Refused as refused:
            self.refusals += refused.refusals
            return None

    def _request(self) -> None:
        request = self.request
        self._metadata()
        if request.expireAfter is not None and request.expireAfter > MAX_EXPIRE_AFTER:
            self._refuse(
                "expireAfter",
                f"it must be at most {MAX_EXPIRE_AFTER} seconds (7 days).",
                "Leave it out to keep the files as long as your plan does.",
            )
        if _holds_nul(msgspec.to_builtins(msgspec.structs.replace(request, metadata=None))):
            self._refuse("the request", "a text in it holds a NUL character.")

    def _metadata(self) -> None:
        metadata = self.request.metadata
        if metadata is None:
            return
        try:
            size = len(msgspec.json.encode(metadata))
        except RecursionError:
            size = MAX_METADATA_BYTES + 1
        if size > MAX_METADATA_BYTES:
            self._refuse("metadata", f"it is larger than {MAX_METADATA_BYTES} bytes.")
        elif _too_deep([metadata]):
            self._refuse("metadata", f"it is nested more than {MAX_DEPTH} deep.")
        elif _holds_nul(metadata):
            self._refuse("metadata", "a text in it holds a NUL character.")

    def _clean_urls(self) -> None:
        """Find out where the inputs are; the request goes on with their cleaned URLs."""
        inputs: list[Input] = []
        for number, item in enumerate(self.request.inputs):
            what = f"inputs[{number}].url"
            cleaned = self._cleaned(item.url, what)
            inputs.append(msgspec.structs.replace(item, url=cleaned or item.url))
            self.urls.append(self._located(cleaned, what) if cleaned else item.url)
        self.request = msgspec.structs.replace(self.request, inputs=inputs)

    def _cleaned(self, url: str, what: str) -> str | None:
        """The cleaned URL; None for one that is refused."""
        try:
            return urls.clean(url)
        except ValueError as error:
            self._refuse(what, str(error))
            return None

    def _located(self, url: str, what: str) -> str:
        """Where the file of a cleaned URL is: ours, behind a share link, or at the URL itself."""
        resolved = self.sources.resolve(url)
        if resolved.startswith("gs://"):
            return resolved
        try:
            file = share_links.direct(resolved)
            target = file.url if file else resolved
            address.split(target, self.sources.allow)
        except ValueError as error:
            self._refuse(what, str(error))
            return resolved
        if file:
            self.notes.append(
                f"{what}: this {file.service} share link is replaced by the direct link to its"
                " file."
            )
        return target

    def _input(self, number: int, item: Input) -> Flags:
        return self._flags(item.options or [], f"inputs[{number}]")

    def _flags(self, options: list[Option], where: str) -> Flags:
        flags: Flags = []
        for each in options:
            if each.option.startswith("@"):
                self._virtual(each, where)
            else:
                flags += self._flag(each, where)
        return flags

    def _flag(self, each: Option, where: str) -> Flags:
        output = where == "options"
        option = each.option.strip()
        named = tables.find(option, output=output)
        if named is None:
            self._unknown_flag(each.option, where)
            return []
        if isinstance(each.argument, dict):
            self._refuse(option, "its argument must be text or a number.")
            return []
        text = _text(each.argument)
        if named.base in ("filter:v", "filter:a"):
            return [(named.written, graph.show(self._graph(text or "", option)))]
        letter = named.base.partition(":")[2]
        kind = (
            tables.codec_kind(letter, output=output) if named.base in _CODECS else named.flag.kind
        )
        if kind is None:
            if text not in (None, "", "true", "1"):
                self._refuse(option, "it takes no argument.", "Leave the argument out.")
            return [(named.written, None)]
        if text is None or text.strip() == "":
            self._refuse(option, "its argument is missing.", f"Give it {kind.says}.")
            return []
        try:
            written = kind.parse(text if named.base.startswith("metadata") else text.strip())
        except ValueError as error:
            self._refuse(option, f"its argument must be {error}.")
            return []
        return [(named.written, written)]

    def _unknown_flag(self, option: str, where: str) -> None:
        base = option.strip().lstrip("-").partition(":")[0]
        known = tables.names(output=where == "options")
        here = tables.ADVICE.get(base)
        if here is None:
            here = self._similar(option, known)
            elsewhere = tables.find(option, output=where != "options")
            if elsewhere is not None:
                here = (
                    "It goes into the options of an input. "
                    if where == "options"
                    else "It goes into the job's `options`. "
                )
            here += "docs/allowed.md lists all that are."
        self._refuse(option[:100], f"it is not among the flags allowed in {where}.", here)

    def _virtual(self, each: Option, where: str) -> None:
        if each.option not in virtual.TYPES or where != "options":
            listed = ", ".join(virtual.TYPES)
            self._refuse(
                each.option[:100],
                f"there is no such virtual option in {where}.",
                f"In `options` there are {listed}.",
            )
            return
        try:
            parsed = virtual.parse(each.option, each.argument)
        except ValueError as error:
            self._refuse(each.option, f"its argument must be {error}.")
            return
        self.warnings += virtual.warnings(parsed)[: MAX_WARNINGS - len(self.warnings)]
        self._remote_of(parsed, each.option)
        drawn = sum(isinstance(known, _DRAWN) for known in self.virtual)
        if isinstance(parsed, _DRAWN) and drawn == MAX_DRAWN:
            self._refuse(
                each.option,
                f"a job draws at most {MAX_DRAWN} texts.",
                "Put several lines into one text, or use the filter drawtext.",
            )
            return
        self.virtual.append(parsed)

    def _remote_of(self, parsed: Virtual, option: str) -> None:
        """Note the file that a virtual option names."""
        match parsed:
            case virtual.Watermark(url=str() as url):
                self._remote("image", url, option)
            case virtual.Watermark(input=int() as number) if number >= len(self.request.inputs):
                self._refuse(option, f"there is no input {number}.")
            case virtual.Subtitles():
                self._remote("subtitles", parsed.url, option)
            case _:
                pass

    def _remote(self, kind: Literal["subtitles", "image"], url: str, what: str) -> str:
        """The name of our copy of a file that `what` names. The same address is fetched once."""
        for known in self.remotes:
            if (known.kind, known.given) == (kind, url):
                return known.name
        cleaned = self._cleaned(url, what)
        located = self._located(cleaned, what) if cleaned else url
        if len(self.remotes) == MAX_REMOTES:
            self._refuse("the request", f"it names more than {MAX_REMOTES} files besides inputs.")
        name = f"{kind}{len(self.remotes)}" + (".ass" if kind == "subtitles" else "")
        self.remotes.append(Remote(kind, url, located, name))
        return name

    def _graph(self, text: str, where: str) -> graph.Graph:
        """The checked tree of a graph, its values written anew."""
        try:
            tree = graph.parse(text)
        except graph.GraphError as error:
            self._refuse(where, f"the filter graph can't be read: {error}.")
            return ()
        if sum(map(len, tree)) > MAX_FILTERS:
            self._refuse(where, f"it holds more than {MAX_FILTERS} filters.")
            return ()
        for label in graph.taken(tree):
            number = label.partition(":")[0]  # ASCII, as all labels are
            if number.isdigit() and int(number) >= len(self.request.inputs):
                self._refuse(where, f"[{label}] names an input that is not there; 0 is the first.")
        return tuple(tuple(self._filter(each, where) for each in chain) for chain in tree)

    def _filter(self, each: graph.Filter, where: str) -> graph.Filter:
        known = tables.filters().get(each.name)
        what = f"{where}: filter {each.name[:40]}"
        if known is None:
            instead = policy.ADVICE.get(each.name) or (
                self._similar(each.name, policy.ALLOWED) + "docs/allowed.md lists all that are."
            )
            self._refuse(what, "it is not among the filters allowed.", instead)
            return each
        sent = _rejoined(each) if each.name in ("subtitles", "ass") else each.options
        resolved = self._resolved(known, sent, f"{where}: {each.name}")
        text_kind = _text_kind(resolved)
        options: list[tuple[str | None, str]] = []
        for option, value in resolved:
            try:
                kind = text_kind if option.name == "text" else option.kind
                options.append((option.name, kind.parse(value) if kind else value))
            except ValueError as error:
                self._refuse(f"{where}: {each.name}={option.name}", f"it must be {error}.")
        if each.name == "drawtext":
            options = _shown_with_our_fonts(options)
        elif each.name in ("subtitles", "ass"):
            named = any(key in (None, "filename", "f") for key, _ in sent)
            options = self._with_our_copy(options, f"{where}: {each.name}", named=named)
        return msgspec.structs.replace(each, options=tuple(options))

    def _resolved(
        self, known: tables.FilterTable, sent: graph.Options, what: str
    ) -> list[tuple[tables.Option, str]]:
        """The allowed options of a filter, each at most once, with the texts that were sent."""
        resolved: dict[str, tuple[tables.Option, str]] = {}
        for position, (key, value) in enumerate(sent):
            if key is None and position >= len(known.positional) > 0:
                count = len(known.positional)
                self._refuse(what, f"it takes at most {count} options by position.")
                break
            option = known.options.get(key) if key else _positional(known, position)
            if option is None or option.kind is None:
                name = key or (option.name if option else value)
                allowed = values.names(_names(known)) or "none"
                self._refuse(
                    what,
                    f"it has no allowed option {name[:60]!r}.",
                    policy.ADVICE.get(name) or f"Allowed are {allowed}.",
                )
            elif option.name in resolved:
                self._refuse(what, f"its option {option.name} is set twice.", "Set it once.")
            else:
                resolved[option.name] = option, value
            if option is None and key is None:
                break
        return list(resolved.values())

    def _with_our_copy(
        self, options: list[tuple[str | None, str]], what: str, *, named: bool
    ) -> list[tuple[str | None, str]]:
        """The subtitles filter, reading the file that we fetch; `named` if it named one at all."""
        if not named:
            self._refuse(what, "it names no file.", f"Give {_SUBTITLES_SAY}.")
        return [
            (name, self._remote("subtitles", value, what) if name == "filename" else value)
            for name, value in options
        ]

    def _mapped(self, output: Flags, tree: graph.Graph) -> None:
        """-map may name inputs that there are, and what the graph ends in."""
        ends = graph.open_outputs(tree)
        for flag, value in output:
            if flag != "-map" or value is None:
                continue
            if value.startswith("["):
                if value[1:-1] not in ends:
                    self._refuse(
                        "-map",
                        f"the graph has no open output {value}.",
                        f"It has {values.names(f'[{e}]' for e in ends) or 'none with a label'}.",
                    )
            elif int(value.lstrip("-").partition(":")[0].rstrip("?")) >= len(self.request.inputs):
                self._refuse("-map", f"{value} names an input that is not there; 0 is the first.")

    def _fits(self, made: Format, output: Flags) -> None:
        for flag, value in output:
            if flag == "-f" and value != made.muxer:
                self._refuse(
                    "-f",
                    f"{value} does not go with outputFormat {self.request.outputFormat}.",
                    "Leave -f out; outputFormat chooses it.",
                )
        if made.kind == "audio":
            drawn = [each for each in self.virtual if not isinstance(each, _SOUND)]
            if drawn:
                self._refuse(
                    _virtual_name(drawn[0]), f"there is no picture in {made.name}.",
                    "Choose a video or image format.",
                )  # fmt: skip
        if made.kind != "image" and any(isinstance(x, virtual.Thumbnail) for x in self.virtual):
            self._refuse("@thumbnail", f"{made.name} is no picture.", "Use jpeg, png or webp.")

    def _bounded(self, made: Format, inputs: list[Flags], output: Flags) -> None:
        """What repeats for ever needs a length."""
        ends = any(flag in ("-t", "-to", "-frames:v") for flag, _ in output)
        ends |= made.kind == "image" and made.name != "gif" and not animated(made, output)
        ends |= any(
            isinstance(each, virtual.Trim) and (each.end is not None or each.duration is not None)
            for each in self.virtual
        )
        endless = [_endless(flags) for flags in inputs]
        if ("-shortest", None) in output and not all(endless):
            ends = True
        for number, repeats in enumerate(endless):
            if repeats and not ends:
                self._refuse(
                    f"inputs[{number}]",
                    "it repeats for ever and nothing states a length.",
                    "Add -t to the input or to the options, or -shortest with another input.",
                )


def animated(made: Format, output: Flags) -> bool:
    """Whether the options ask for a WebP that moves."""
    asked = {"libwebp_anim"} & {value for flag, value in output if flag == "-c:v"}
    return made.name == "webp" and bool(asked or any(flag == "-loop" for flag, _ in output))


_COMPLEX = ("-filter_complex", "-lavfi")
_GRAPHS = ("-vf", "-af", "-filter", "-lavfi")
_DRAWN = (virtual.TextOverlay, virtual.QuoteCard)
_CODECS = ("c", "c:v", "c:a", "c:s")
_SOUND = (virtual.Trim, virtual.Speed, virtual.Normalize)
_SUBTITLES_SAY = values.REMOTE_FILE.says


def _endless(flags: Flags) -> bool:
    given = dict(flags)
    repeats = (
        given.get("-stream_loop") == "-1"
        or given.get("-loop") == "1"
        or given.get("-ignore_loop") == "0"
    )
    return repeats and "-t" not in given and "-to" not in given


def _virtual_name(made: Virtual) -> str:
    return next(name for name, kind in virtual.TYPES.items() if isinstance(made, kind))


def _names(known: tables.FilterTable) -> list[str]:
    """The options callers may give, each by its first name."""
    return list(dict.fromkeys(each.name for each in known.options.values() if each.kind))


def _positional(known: tables.FilterTable, position: int) -> tables.Option | None:
    return known.positional[position] if position < len(known.positional) else None


def _text_kind(resolved: list[tuple[tables.Option, str]]) -> values.Kind:
    """How drawtext reads its text, which depends on its option `expansion`."""
    expansion = "normal"
    for option, value in resolved:
        if option.name == "expansion" and option.kind is not None:
            try:
                expansion = option.kind.parse(value)
            except ValueError:  # refused where the options are parsed
                continue
    match expansion:
        case "none" | "0":
            return values.LITERAL_TEXT
        case "strftime" | "2":
            return values.TIME_TEXT
        case _:
            return values.DRAWN_TEXT


def _printable(text: str) -> str:
    """A caller's text as a message shows it."""
    short = text[:100]
    return short if short.isprintable() else repr(short)


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= MAX_SENTENCE else f"{sentence[:MAX_SENTENCE]}…"


MAX_SENTENCE = 500
"""Characters of a rule, or of advice."""
_FIX_THESE = "Fix these and send the request again."


def _shown_with_our_fonts(options: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    """drawtext draws with one font: the one that has the text's script, where the named one lacks
    it."""
    given = dict(options)
    family, _, style = given.get("font", fonts.DEFAULT.name).partition(":")
    shown, text = fonts.single(family.replace("\\-", "-"), given.get("text", ""))
    given |= {"text": text} if "text" in given else {}
    given["font"] = f"{shown}:{style}" if style else shown
    return list(given.items())


def _rejoined(each: graph.Filter) -> tuple[tuple[str | None, str], ...]:
    """The options of a subtitles filter whose address was escaped too little: https, //host/…"""
    options: list[tuple[str | None, str]] = []
    for key, value in each.options:
        at_address = options and options[-1][1].startswith(("http", "gs"))
        if key is None and at_address and options[-1][0] in (None, "filename", "f"):
            options[-1] = (options[-1][0], f"{options[-1][1]}:{value}")
        else:
            options.append((key, value))
    # A backslash left over is one too many: no address has any.
    return tuple(
        (key, value.replace("\\", "") if value.startswith(("http", "gs")) else value)
        for key, value in options
    )


def _too_deep(values: list[Any]) -> bool:
    """Whether objects and lists lie more than MAX_DEPTH deep in each other."""
    for _ in range(MAX_DEPTH + 1):
        values = [
            inner
            for each in values
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(values)


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(key) or _holds_nul(each) for key, each in value.items())
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def _text(argument: Scalar | None) -> str | None:
    """An argument as text; numbers may come as numbers."""
    match argument:
        case None:
            return None
        case bool():
            return "true" if argument else "false"
        case float() if argument.is_integer() and abs(argument) < 1e15:
            return str(int(argument))
        case _:
            return str(argument)
