"""The mails of Supabase Auth: up to date, whole, with nothing that Auth can't fill in."""

from __future__ import annotations

import re
import tomllib

import pytest

from tools import auth_mails

KNOWN = {"ConfirmationURL", "Token", "SiteURL", "NewEmail"}


@pytest.mark.parametrize("name", sorted(auth_mails.WORDS))
def test_the_templates_are_up_to_date(name: str) -> None:
    content = (auth_mails.FOLDER / f"{name}.html").read_text()
    assert content == auth_mails.files()[name], "run `make mails`"
    assert set(re.findall(r"\{\{ ?\.?(\w+) ?\}\}", content)) <= KNOWN
    expected = "{{ .Token }}" if name == "reauthentication" else 'href="{{ .ConfirmationURL }}"'
    assert expected in content
    assert "{%" not in content


def test_every_template_is_configured_and_there() -> None:
    config = tomllib.loads(auth_mails.CONFIG.read_text())["auth"]["email"]["template"]
    assert set(config) == set(auth_mails.WORDS)
    for each in config.values():
        assert (auth_mails.ROOT / each["content_path"]).is_file()
