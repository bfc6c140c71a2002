"""The models of a create request, and what a checked one holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from lib.media import address
from lib.media.formats import Format
from lib.media.model import Flags
from lib.media.request import graph
from lib.media.request.virtual import Virtual

MAX_INPUTS = 100
MAX_OPTIONS = 100
"""Options of the output, and of each input."""
MAX_ARGUMENT = 20_000
"""Characters of an argument."""
MAX_EXPIRE_AFTER = 7 * 24 * 3600
SHORT_EXPIRE_AFTER = 60
"""Below it, a client that polls may come too late for the output."""
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
    requested_url: str
    """The address as the request has it."""
    url: str
    """Where the file is."""
    name: str
    """A plain file name in the job's folder, made by us."""


class Checked(msgspec.Struct):
    """All that a request asks of ffmpeg, normalized."""

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
        """The graph as passed to ffmpeg; None for none."""
        return graph.show(self.graph) if self.graph else None
