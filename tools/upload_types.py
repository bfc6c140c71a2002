"""Makes web/src/client/run/upload-types.ts, what the site's file fields take, from the one table.

Run by `make tables`; a test compares the file with what this would write.
"""

from __future__ import annotations

from pathlib import Path

from lib.files.upload_types import FILE_TYPES

TARGET = Path(__file__).parent.parent / "web" / "src" / "client" / "run" / "upload-types.ts"
HEAD = """\
// Made by `make tables` from lib/files/upload_types.py: the extensions that may be uploaded, and
// the content type that each is sent with.
"""


def module() -> str:
    """The whole file."""
    media = [entry for entry in FILE_TYPES if entry.kind != "subtitles"]
    subtitles = [entry for entry in FILE_TYPES if entry.kind == "subtitles"]
    tables = [("MEDIA_TYPES", media), ("SUBTITLE_TYPES", subtitles)]
    lines = [HEAD]
    for name, entries in tables:
        lines.append(f"export const {name}: Record<string, string> = {{")
        lines += [
            f'  "{extension}": "{entry.types[0]}",'
            for entry in entries
            for extension in entry.extensions
        ]
        lines.append("};\n")
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    TARGET.write_text(module())
