"""Makes docs/overlays.png: what words, marks and subtitles look like, each case drawn for real.

Run by `make overlays`. Each cell is a job of the service: checked, planned, run by ffmpeg.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lib.media import fonts
from lib.media.plan.guards import guards
from lib.media.plan.planner import make_plan
from lib.media.request import graph
from lib.media.request.check import check
from lib.media.request.models import TranscodeRequest
from lib.media.run import sandbox, subtitles
from lib.media.run.ffmpeg import binary
from lib.media.run.probe import probe
from lib.media.run.runner import Limits, run

TARGET = Path(__file__).parent.parent / "docs" / "overlays.png"
WIDTH, HEIGHT, LABEL, COLUMNS = 400, 225, 24, 4
MOVING = "seed=4:c0=0xd04040:c1=0x40a0a0:x0=0:y0=0:x1=319:y1=179"
"""What a gradient would else choose by chance."""
LIMITS = Limits(wall_seconds=120, cpu_seconds=120, output_bytes=10**8, memory_bytes=1536 * 2**20)

SCRIPTS = {
    "Latin": "Größe, façade, Łódź",
    "Cyrillic": "Привет, мир",
    "Greek": "Γειά σου, κόσμε",  # noqa: RUF001
    "Arabic": "مرحبا بالعالم",
    "Hebrew": "שלום עולם",
    "Devanagari": "नमस्ते दुनिया",
    "Bengali": "ওহে বিশ্ব",
    "Gurmukhi": "ਸਤ ਸ੍ਰੀ ਅਕਾਲ",
    "Gujarati": "નમસ્તે વિશ્વ",
    "Tamil": "வணக்கம் உலகம்",
    "Telugu": "హలో ప్రపంచం",
    "Kannada": "ನಮಸ್ಕಾರ ಲೋಕ",
    "Malayalam": "നമസ്കാരം ലോകം",
    "Sinhala": "ආයුබෝවන් ලෝකය",
    "Thai": "สวัสดีชาวโลก",
    "Lao": "ສະບາຍດີຊາວໂລກ",
    "Myanmar": "မင်္ဂလာပါ ကမ္ဘာ",
    "Khmer": "សួស្តីពិភពលោក",
    "Georgian": "გამარჯობა მსოფლიო",
    "Armenian": "Բարեւ աշխարհ",
    "Ethiopic": "ሰላም ዓለም",
    "Chinese": "你好，世界",  # noqa: RUF001
    "Japanese": "こんにちは世界",
    "Korean": "안녕하세요 세계",
    "Emoji": "😀 🎉 🚀 ❤",
}
"""A greeting in each script that the packaged fonts have."""
SHEET = (
    "Latin Cyrillic Greek", "Arabic Hebrew", "Devanagari Bengali Gurmukhi",
    "Gujarati Tamil Telugu", "Kannada Malayalam Sinhala", "Thai Lao Khmer", "Myanmar Ethiopic",
    "Georgian Armenian", "Chinese Japanese Korean", "Emoji",
)  # fmt: skip
"""The scripts of each cell."""
LOGO, SUBTITLES = "https://example.com/logo.png", "https://example.com/a.srt"
SPOKEN = "1\n00:00:00,000 --> 00:00:09,000\nSubtitles have a style,\nЖивёт, مرحبا, 你好\n"


class Cell(NamedTuple):
    """A cell of the sheet: what is asked for, of a still, or of a clip."""

    label: str
    options: list[tuple[str, Any]]
    clip: bool = False


def cells() -> Iterator[Cell]:
    """The cells, in reading order."""
    yield from _text_overlays()
    yield from _other_options()


def _text_overlays() -> Iterator[Cell]:
    for names in map(str.split, SHEET):
        yield _words(", ".join(names), "\n".join(SCRIPTS[name] for name in names), fontSize=30)
    yield _words("in one line", "Hi Живёт שלום مرحبا 你好 😀", fontSize=26)
    yield _words(
        "right to left, wrapped", "مرحبا بالعالم هذا نص طويل يلتف في عدة أسطر، 123.",
        fontSize=28, charsPerLine=18,
    )  # fmt: skip
    yield _words(
        "charsPerLine 20, and a break", "Words longer than a line are wrapped.\nA break stays.",
        fontSize=28, charsPerLine=20,
    )  # fmt: skip
    yield _words(
        "box, gold on navy, top-left", "Boxed", fontSize=40, position="top-left", margin=12,
        boxBorderW=14, boxColor="navy@0.8", fontColor="gold",
    )  # fmt: skip
    yield _words(
        "outline, bottom-right", "Outlined", fontSize=60, position="bottom-right", margin=12,
        boxBorderW=0, outlineThickness=4, outlineColor="crimson", font="Montserrat", bold=True,
    )  # fmt: skip
    yield Cell("the nine positions", [
        ("@text-overlay", {"text": each, "style": {
            "fontSize": 18, "boxBorderW": 5, "margin": 6, "position": each}})
        for each in ("top-left", "top", "top-right", "left", "center", "right", "bottom-left",
                     "bottom", "bottom-right")
    ])  # fmt: skip
    yield _words("Impact, see-through", "Half", font="Impact", fontSize=100, boxBorderW=0,
                 fontColor="white@0.5")  # fmt: skip


def _other_options() -> Iterator[Cell]:
    yield Cell("@quote-card", [("@quote-card", {
        "quote": "Well begun is half done.", "name": "Aristotle", "handle": "@stagira",
        "style": {"fontSize": 40, "charsPerLine": 16}})])  # fmt: skip
    yield Cell(
        "@quote-card, right to left",
        [
            (
                "@quote-card",
                {"quote": "العلم نور والجهل ظلام", "name": "مثل عربي", "style": {"fontSize": 40}},
            )
        ],
    )
    yield Cell("@watermark, large, opacity 0.4", [
        ("@watermark", {"url": LOGO, "size": "large", "opacity": 0.4})])  # fmt: skip
    yield Cell(
        "@subtitles, yellow in a box, top",
        [
            (
                "@subtitles",
                {
                    "url": SUBTITLES,
                    "style": {
                        "fontSize": 30,
                        "fontColor": "yellow",
                        "box": True,
                        "position": "top",
                    },
                },
            )
        ],
    )
    yield Cell(
        "-vf subtitles, force_style",
        [("-vf", f"subtitles='{SUBTITLES}':force_style='FontSize=30,OutlineColour=&H002020E0'")],
    )
    yield Cell("-vf drawtext", [("-vf", (
        "drawtext=text='Живёт drawtext':font='DejaVu Sans':fontsize=40:fontcolor=white"
        ":x=(w-tw)/2:y=(h-th)/2:box=1:boxcolor=black@0.5:boxborderw=12"))])  # fmt: skip
    yield Cell("@thumbnail, 9 of a clip", [("@thumbnail", {"count": 9, "width": 128})], True)


def _words(label: str, text: str, **style: Any) -> Cell:
    return Cell(label, [("@text-overlay", {"text": text, "style": style})])


def draw(cell: Cell, source: Path, logo: Path, folder: Path) -> Path:
    """Run the cell's job; return the image."""
    folder.mkdir()
    body = {
        "inputs": [{"url": "https://example.com/in"}],
        "outputFormat": "png",
        "options": [{"option": name, "argument": value} for name, value in cell.options],
    }
    checked = check(msgspec.convert(body, TranscodeRequest))
    for remote in checked.remotes:
        if remote.kind == "image":
            (folder / remote.name).write_bytes(logo.read_bytes())
        else:
            written = folder / "written.srt"
            written.write_text(SPOKEN, encoding="utf-8")
            subtitles.rewrite(written, folder / remote.name)
    output = folder / "output.png"
    run(
        make_plan(checked, [probe(source)]), [source], output,
        limits=LIMITS, on_progress=lambda percent: None, canceled=lambda: False,
    )  # fmt: skip
    return output


def sheet(pictures: list[tuple[str, Path]], target: Path, folder: Path) -> None:
    """All pictures in rows, each with its label below."""
    command = [str(binary()), "-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    chains: list[str] = []
    for number, (label, path) in enumerate(pictures):
        command += [*guards(path), "-threads", "1", "-i", str(path)]
        words = graph.show(((graph.Filter("drawtext", (
            ("font", "Roboto"), ("text", label), ("expansion", "none"), ("fontsize", "15"),
            ("fontcolor", "black"), ("x", "8"), ("y", f"{HEIGHT + 4}"), ("y_align", "font"),
        )),),))  # fmt: skip
        chains.append(
            f"[{number}]format=rgb24,scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,"
            f"pad={WIDTH}:{HEIGHT}:-1:-1:color=white,"
            f"pad={WIDTH + 6}:{HEIGHT + LABEL}:3:3:color=white,{words}[c{number}]"
        )
    places = "|".join(
        f"{number % COLUMNS * (WIDTH + 6)}_{number // COLUMNS * (HEIGHT + LABEL)}"
        for number in range(len(pictures))
    )
    pads = "".join(f"[c{number}]" for number in range(len(pictures)))
    chains.append(
        f"{pads}xstack=inputs={len(pictures)}:layout={places}:fill=white,split[a][b];"
        "[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none[sheet]"
    )
    finished = sandbox.run(
        [*command, "-filter_complex_threads", "1", "-filter_complex", ";".join(chains),
         "-map", "[sheet]", "-frames:v", "1", "-update", "1", str(target)],
        folder=folder,
        readable=fonts.readable(),
        environment=fonts.environment(),
        limits=LIMITS,
    )  # fmt: skip
    if finished.returncode:
        sys.exit(finished.report)


def main() -> None:
    """Draw every cell and write the sheet."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        still, clip, logo = folder / "still.png", folder / "clip.mp4", folder / "logo.png"
        sources = (
            (still, "gradients=s=400x225:c0=0x2b5876:c1=0x4e9a8f:x0=0:y0=0:x1=399:y1=224:d=1", 1),
            (clip, f"gradients=s=320x180:r=5:d=9:speed=0.2:{MOVING},hue=h=40*t,format=yuv420p", 45),
            (logo, "color=crimson:s=160x80,drawbox=20:20:120:40:white:fill", 1),
        )
        for path, source, frames in sources:
            finished = sandbox.run(
                [str(binary()), "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", source,
                 "-frames:v", str(frames), str(path)],
                folder=folder, limits=LIMITS,
            )  # fmt: skip
            if finished.returncode:
                sys.exit(finished.report)
        pictures = [
            (cell.label, draw(cell, clip if cell.clip else still, logo, folder / str(number)))
            for number, cell in enumerate(cells())
        ]
        sheet(pictures, folder / "sheet.png", folder)
        TARGET.write_bytes((folder / "sheet.png").read_bytes())


if __name__ == "__main__":
    main()
