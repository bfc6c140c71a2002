"""Links that people share of a file: the direct form of those that have a public one, and what to
do about pages that have none. Pure functions over two tables.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit


class Direct(NamedTuple):
    """The address of the file itself, and whose share link it replaces."""

    url: str
    service: str


class PageLink(ValueError):
    """A page of which there is no public file; the sentence says what to do."""


def direct(url: str) -> Direct | None:
    """The file behind a share link, a cleaned URL; None for any other. Raises PageLink."""
    if not url.startswith(("http://", "https://")):
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    for name, page in _PAGES:
        if page.hosts.include(host) and parts.path.startswith(page.paths):
            raise PageLink(page.sentence.format(name=name))
    for name, service in _SERVICES:
        if service.hosts.include(host):
            target = service.direct(parts)
            return Direct(target, name) if target and target != url else None
    return None


class _Hosts(NamedTuple):
    """Host names, with or without www or m before them, and names that end in `suffix`."""

    names: frozenset[str]
    suffix: str = ""

    def include(self, host: str) -> bool:
        """Whether a host is one of them."""
        if self.suffix and host.endswith(self.suffix):
            return True
        first, _, rest = host.partition(".")
        return host in self.names or (first in ("www", "m", "mobile") and rest in self.names)


def _hosts(*names: str, suffix: str = "") -> _Hosts:
    return _Hosts(frozenset(names), suffix)


class _Service(NamedTuple):
    hosts: _Hosts
    direct: Callable[[SplitResult], str | None]
    """The direct URL; None for a path that is not a share link."""


class _Page(NamedTuple):
    hosts: _Hosts
    sentence: str
    paths: tuple[str, ...] = ("/",)
    """How its paths begin."""


_ID = re.compile(r"[A-Za-z0-9_-]{10,200}")


def _query(parts: SplitResult) -> dict[str, str]:
    """The first value of each parameter."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, value)
    return query


def _with(parts: SplitResult, **values: str) -> str:
    """The URL with these parameters set, the others as they are, and no fragment."""
    query = [
        pair
        for pair in parts.query.split("&")
        if pair and pair.partition("=")[0] not in {*values, "dl", "raw"}
    ]
    query += [f"{name}={value}" for name, value in values.items()]
    return parts._replace(query="&".join(query), fragment="").geturl()


def _drive(parts: SplitResult) -> str | None:
    query = _query(parts)
    before, separator, after = parts.path.partition("/d/")
    number = after.partition("/")[0] if separator and "/file" in before else ""
    if parts.path in ("/open", "/uc"):
        number = query.get("id", "")
    if not _ID.fullmatch(number):
        return None
    parameters = {"id": number, "export": "download", "confirm": "t"}
    if "resourcekey" in query:
        parameters["resourcekey"] = query["resourcekey"]
    return f"https://drive.usercontent.google.com/download?{urlencode(parameters)}"


def _dropbox(parts: SplitResult) -> str | None:
    if not parts.path.startswith(("/s/", "/scl/fi/")):
        return None
    query = _query(parts)
    return None if "1" in (query.get("dl"), query.get("raw")) else _with(parts, dl="1")


def _onedrive(parts: SplitResult) -> str | None:
    query = _query(parts)
    if parts.hostname == "onedrive.live.com":
        if parts.path.startswith("/download"):
            return None
        if {"resid", "authkey"} <= set(query):
            parameters = {"resid": query["resid"], "authkey": query["authkey"]}
            return f"https://onedrive.live.com/download?{urlencode(parameters)}"
        if "resid" not in query and "id" not in query and "redeem" not in query:
            return None
    if len(parts.path) < 2 and not parts.query:
        return None
    token = base64.urlsafe_b64encode(parts.geturl().encode()).decode().rstrip("=")
    return f"https://api.onedrive.com/v1.0/shares/u!{token}/root/content"


def _sharepoint(parts: SplitResult) -> str | None:
    if not re.match(r"/:[a-eg-z]:/", parts.path):  # :f: is a folder
        return None
    return None if _query(parts).get("download") == "1" else _with(parts, download="1")


def _replacing(old: str, new: str) -> Callable[[SplitResult], str | None]:
    """Direct URLs of paths owner/name`old`version/file, in which `old` becomes `new`."""

    def replaced(parts: SplitResult) -> str | None:
        before, separator, after = parts.path.partition(old)
        version, _, file = after.partition("/")
        if not separator or before.count("/") < 2 or not (version and file):
            return None
        return parts._replace(path=before + new + after, fragment="").geturl()

    return replaced


def _gist(parts: SplitResult) -> str | None:
    match = re.fullmatch(r"/[^/]{1,100}/[0-9a-f]{20,40}", parts.path)
    return parts._replace(path=parts.path + "/raw", fragment="").geturl() if match else None


def _archive(parts: SplitResult) -> str | None:
    item, _, file = parts.path.removeprefix("/details/").partition("/")
    if not parts.path.startswith("/details/") or not file:
        return None
    return parts._replace(path=f"/download/{item}/{file}", fragment="").geturl()


def _box(parts: SplitResult) -> str | None:
    match = re.fullmatch(r"/s/([A-Za-z0-9]{10,100})", parts.path)
    return parts._replace(path=f"/shared/static/{match[1]}").geturl() if match else None


def _commons(parts: SplitResult) -> str | None:
    match = re.fullmatch(r"/wiki/File:([^/]+)", parts.path)
    path = f"/wiki/Special:FilePath/{match[1]}" if match else ""
    return parts._replace(path=quote(path, safe="/:%"), fragment="").geturl() if match else None


_SERVICES: list[tuple[str, _Service]] = [
    ("Google Drive", _Service(_hosts("drive.google.com", "docs.google.com"), _drive)),
    ("Dropbox", _Service(_hosts("dropbox.com"), _dropbox)),
    ("OneDrive", _Service(_hosts("1drv.ms", "onedrive.live.com"), _onedrive)),
    ("SharePoint", _Service(_hosts(suffix=".sharepoint.com"), _sharepoint)),
    ("GitHub", _Service(_hosts("github.com"), _replacing("/blob/", "/raw/"))),
    ("GitHub Gist", _Service(_hosts("gist.github.com"), _gist)),
    ("GitLab", _Service(_hosts("gitlab.com"), _replacing("/-/blob/", "/-/raw/"))),
    ("Bitbucket", _Service(_hosts("bitbucket.org"), _replacing("/src/", "/raw/"))),
    ("Hugging Face", _Service(_hosts("huggingface.co"), _replacing("/blob/", "/resolve/"))),
    ("Box", _Service(_hosts(suffix=".box.com"), _box)),
    ("Wikimedia Commons", _Service(_hosts("commons.wikimedia.org"), _commons)),
    ("Internet Archive", _Service(_hosts("archive.org"), _archive)),
]
"""Where a share link has a public direct form."""

_VIDEO_PAGE = (
    "it is a page of {name}, not a media file, and {name} gives no public link to the file. If the"
    " video is yours, download it there and upload it, or link to the file itself."
)
_FOLDER = (
    "it is a folder on {name}, not a media file. Share the file itself and use its link, or upload"
    " it."
)
_DOCUMENT = "it is a document of {name}, not a media file. Link to a media file, or upload it."
_TRANSFER = (
    "it is a page of {name}, which gives no public link to the file. Download the file there and"
    " upload it, or link to the file itself."
)
_PAGES: list[tuple[str, _Page]] = [
    ("YouTube", _Page(_hosts("youtube.com", "music.youtube.com", "youtu.be",
                             "youtube-nocookie.com"), _VIDEO_PAGE)),
    ("Vimeo", _Page(_hosts("vimeo.com"), _VIDEO_PAGE)),
    ("Vimeo", _Page(_hosts("player.vimeo.com"), _VIDEO_PAGE, ("/video/",))),
    ("Instagram", _Page(_hosts("instagram.com", "instagr.am"), _VIDEO_PAGE)),
    ("TikTok", _Page(_hosts("tiktok.com", "vm.tiktok.com", "vt.tiktok.com"), _VIDEO_PAGE)),
    ("Facebook", _Page(_hosts("facebook.com", "fb.watch", "fb.com", "web.facebook.com"),
                       _VIDEO_PAGE)),
    ("X (Twitter)", _Page(_hosts("twitter.com", "x.com"), _VIDEO_PAGE)),
    ("Threads", _Page(_hosts("threads.net", "threads.com"), _VIDEO_PAGE)),
    ("Dailymotion", _Page(_hosts("dailymotion.com", "dai.ly"), _VIDEO_PAGE)),
    ("Twitch", _Page(_hosts("twitch.tv", "clips.twitch.tv"), _VIDEO_PAGE)),
    ("Reddit", _Page(_hosts("reddit.com", "old.reddit.com"), _VIDEO_PAGE)),
    ("LinkedIn", _Page(_hosts("linkedin.com"), _VIDEO_PAGE)),
    ("Pinterest", _Page(_hosts("pinterest.com", "pin.it"), _VIDEO_PAGE)),
    ("SoundCloud", _Page(_hosts("soundcloud.com"), _VIDEO_PAGE)),
    ("Spotify", _Page(_hosts("open.spotify.com"), _VIDEO_PAGE)),
    ("Loom", _Page(_hosts("loom.com"), _VIDEO_PAGE, ("/share/", "/embed/"))),
    ("Bilibili", _Page(_hosts("bilibili.com", "b23.tv"), _VIDEO_PAGE)),
    ("Google Drive", _Page(_hosts("drive.google.com"), _FOLDER,
                           ("/drive/", "/folderview"))),
    ("Google Docs", _Page(_hosts("docs.google.com"), _DOCUMENT,
                          ("/document/", "/spreadsheets/", "/presentation/", "/forms/"))),
    ("Google Photos", _Page(_hosts("photos.google.com", "photos.app.goo.gl"), _TRANSFER)),
    ("Dropbox", _Page(_hosts("dropbox.com"), _FOLDER, ("/sh/", "/scl/fo/", "/home"))),
    ("SharePoint", _Page(_hosts(suffix=".sharepoint.com"), _FOLDER,
                         ("/:f:/",))),
    ("iCloud", _Page(_hosts("icloud.com", "share.icloud.com"), _TRANSFER)),
    ("WeTransfer", _Page(_hosts("wetransfer.com", "we.tl"), _TRANSFER)),
    ("MEGA", _Page(_hosts("mega.nz", "mega.io"), _TRANSFER)),
]  # fmt: skip
"""Pages without a public file. Hosts that serve these services' files have other names."""
