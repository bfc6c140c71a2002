"""What a process says once about its settings."""

from __future__ import annotations

from contextlib import suppress

from lib.platform import log
from lib.platform.once import once
from lib.platform.settings import SettingsError, settings

LEGACY = (
    "Supabase ends its legacy API keys. Create new ones (Settings → API keys) and set them as"
    " SUPABASE_SECRET_KEY and SUPABASE_PUBLISHABLE_KEY."
)


@once
def warn() -> None:
    """Log a warning about settings that will stop working."""
    with suppress(SettingsError):  # whatever needs the settings says so itself
        if settings().legacy_keys:
            log.notice("legacy api key", settings=list(settings().legacy_keys))


def warnings() -> list[str]:
    """The same as sentences, for the operator."""
    return [f"{name} holds a legacy API key. {LEGACY}" for name in settings().legacy_keys]
