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
        if key == "out_time_us" and value.lstrip("-").isdigit():
            self.seconds = max(self.seconds, int(value) / 1e6)
        elif key == "frame" and value.isdigit():
            self.frames = int(value)
