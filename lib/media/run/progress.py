"""What ffmpeg says of its progress (`-progress pipe:1`)."""

from __future__ import annotations


class Clock:
    """Reads the blocks of key=value lines; out_time_us is microseconds (and so is out_time_ms)."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.frames = 0

    def line(self, text: str) -> None:
        """Take one line."""
        key, _, value = text.partition("=")
        number = _number(value)
        if number is None:
            return
        if key == "out_time_us":
            self.seconds = max(self.seconds, number / 1e6)
        elif key == "frame":
            self.frames = number


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None
