"""Makes supabase/templates, the mails that Supabase Auth sends, in the layout of our own:
`make mails`.

Auth fills in `{{ .ConfirmationURL }}` and the like (Go's html/template):
https://supabase.com/docs/guides/auth/auth-email-templates. A test compares the files with these
words; their subjects stand in supabase/config.toml.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from lib.outbox import mail

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "supabase" / "templates"
CONFIG = ROOT / "supabase" / "config.toml"

LINK = "{{ .ConfirmationURL }}"
NOT_YOU = "If this was not you, there is nothing to do: without the link nothing changes."

WORDS = {
    "confirmation": [
        "Somebody, hopefully you, signed up at {{ .SiteURL }} with this address. Confirm that it is"
        " yours, and the account is open:",
        LINK,
        NOT_YOU,
    ],
    "recovery": [
        "Somebody, hopefully you, asked to reset the password of your account. Choose a new one"
        " here:",
        LINK,
        NOT_YOU,
    ],
    "email_change": [
        "The address of your account is to become {{ .NewEmail }}. Confirm it; the change counts"
        " when the links to the old and the new address were both followed:",
        LINK,
        NOT_YOU,
    ],
    "invite": [
        "You are invited to open an account at {{ .SiteURL }}. Accept it here:",
        LINK,
        "If you expected no invitation, there is nothing to do.",
    ],
    "magic_link": [
        "Sign in with this link. It works once, and not for long:",
        LINK,
        NOT_YOU,
    ],
    "reauthentication": [
        "To prove that it is you, enter this code:",
        "{{ .Token }}",
        "If you asked for no code, change your password: somebody else is signed in.",
    ],
}


def files() -> dict[str, str]:
    """The templates by name."""
    configured = tomllib.loads(CONFIG.read_text())["auth"]["email"]["template"]
    return {
        name: mail.html(configured[name]["subject"], words, site_url="{{ .SiteURL }}")
        for name, words in WORDS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / f"{name}.html").write_text(text)
