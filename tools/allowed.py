"""Makes docs/allowed.md, the page of what may be asked of ffmpeg, from the tables that decide it.

Run by `make tables`; a test compares the page with what this would write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from lib.media import fonts
from lib.media.formats import FORMATS
from lib.media.request import policy, tables, virtual
from lib.media.request.values import Kind

TARGET = Path(__file__).parent.parent / "docs" / "allowed.md"
HEAD = """\
# What may be asked of ffmpeg

Made by `make tables` from the tables in `lib/media/request`: what stands here is
what the service checks. Everything else is refused before a job is made, with the flag, the rule
and, where there is one, another way. `POST /v1/validate` tries a request without a job.
"""
STREAMS = {"v": ":v", "a": ":a", "s": ":s", "g": ":g"}
GROUPS = {
    "Filters of pictures": policy.VIDEO,
    "Filters of sound": policy.AUDIO,
    "Pictures of sound": policy.PICTURES_OF_SOUND,
    "Pictures and sounds made of nothing": policy.SOURCES,
}
ENCODERS = {
    "-x264-params": tables.X264,
    "-x265-params": tables.X265,
    "-svtav1-params": tables.SVTAV1,
    "-aom-params": tables.AOM,
}


def text() -> str:
    """The whole page, Markdown."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## Formats\n"
    yield from _table(
        ("outputFormat", "kind", "container"),
        (
            (f"`{file_format.name}`", file_format.kind, f"`{file_format.muxer}`")
            for file_format in FORMATS.values()
        ),
    )
    yield "## Flags of the job: `options`\n"
    yield "A flag that speaks of a kind of stream takes it as a suffix: `-b:v`, `-c:a:1`.\n"
    yield from _flags(output=True)
    yield "\n## Flags of an input: `inputs[].options`\n"
    yield from _flags(output=False)
    yield "\n## Codecs\n"
    yield "`-c:v`: " + _words(tables.VIDEO_CODECS) + "\n"
    yield "`-c:a`: " + _words(tables.AUDIO_CODECS) + "\n"
    for flag, listed in ENCODERS.items():
        yield f"`{flag}`: " + _words(listed.split()) + "\n"
    yield "## Virtual options\n"
    yield "In `options`, with an object, or a string that holds one as JSON, as the argument.\n"
    for name, model in virtual.TYPES.items():
        yield f"### {name}\n"
        yield f"{(model.__doc__ or '').strip().partition(chr(10))[0]}\n"
        yield from _model(model)
    yield "## Fonts\n"
    yield (
        "Packaged, so that a text looks the same wherever the service runs. Any other name is shown"
        f" with {fonts.DEFAULT.name}, and a script that a font lacks with the one listed for it.\n"
    )
    yield from _table(
        ("font", "replaces"),
        ((f"`{each.name}`", ", ".join(each.replaces)) for each in fonts.FAMILIES),
    )
    yield "Other scripts: " + _words(each.name for each in fonts.SCRIPTS) + "\n"
    known = tables.filters()
    for title, group in GROUPS.items():
        yield f"## {title}\n"
        for name in sorted(group):
            yield from _filter(name, known[name])


def _flags(*, output: bool) -> Iterator[str]:
    rows = []
    for base, flag in sorted(tables.flags_of(output=output).items()):
        streams = ", ".join(f"`{STREAMS[each]}`" for each in flag.streams)
        rows.append((f"`-{base}`", streams, _argument(base, flag), f"{flag.says}"))
    yield from _table(("flag", "streams", "argument", "what it does"), rows)


def _argument(base: str, flag: tables.Flag) -> str:
    match base:
        case "c":
            return "a codec"
        case "filter":
            return "a filter graph; also as `-vf` and `-af`"
        case _:
            return flag.kind.says if flag.kind else "none"


def _filter(name: str, known: tables.FilterTable) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{known.says}.\n"
    names: dict[tables.Option, list[str]] = {}
    for alias, option in known.options.items():
        if option.kind:
            names.setdefault(option, []).append(alias)
    for option, all_names in names.items():
        listed = ", ".join(f"`{each}`" for each in all_names)
        said = f" ({option.says})" if option.says else ""
        yield f"- {listed}: {_says(option.kind)}{said}"
    yield ""


def _says(kind: Kind | None) -> str:
    return kind.says if kind else ""


def _model(model: Any) -> Iterator[str]:
    """The members of a virtual option's object, those of its style after it."""
    inner: list[Any] = []
    rows = []
    for field in msgspec.structs.fields(model):
        said, nested = _type(field.type)
        inner += nested
        default = "required" if field.required else _default(field)
        rows.append((f"`{field.encode_name}`", said, default))
    yield from _table(("member", "value", "default"), rows)
    for nested_model in inner:
        yield f"`{nested_model.__name__}`:\n"
        yield from _model(nested_model)


def _default(field: Any) -> str:
    if field.default is msgspec.NODEFAULT or field.default is None:
        return ""
    return f"`{msgspec.json.encode(field.default).decode()}`"


def _type(kind: Any) -> tuple[str, list[Any]]:
    """A type in words, and the objects that stand in it."""
    schema, _ = msgspec.json.schema_components([kind])
    models = [kind] if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else []
    return _schema(schema[0]), models


def _schema(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_schema(each) for each in schema["anyOf"] if each != {"type": "null"})
    if "$ref" in schema:
        return f"an object: `{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    words = {"integer": "a whole number", "number": "a number", "string": "text",
             "boolean": "true or false"}  # fmt: skip
    said = words.get(schema.get("type", ""), "any value")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        said += f" from {low:g} to {high:g}"
    elif low is not None:
        said += f" of {low:g} or more"
    elif "exclusiveMinimum" in schema:
        said += f" above {schema['exclusiveMinimum']:g}"
    if "maxLength" in schema:
        said += f", at most {schema['maxLength']} characters"
    return said


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
    yield ""


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text())
