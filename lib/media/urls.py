"""URLs as people paste them, cleaned as the WHATWG URL standard parses them: pure functions."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urljoin

MAX_LENGTH = 8192
"""Characters of a cleaned URL."""
RAW_LENGTH = 4 * MAX_LENGTH
"""Characters of a URL as it is sent: spaces around it and line breaks within it don't count."""
MAX_HOST = 253
MAX_LABEL = 63
_ENDS = "".join(map(chr, range(0x21)))
"""C0 controls and the space, which are removed from both ends."""
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""Browsers encode these; nobody means them, so they are refused."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCHEME = re.compile(r"(https?):[/\\]{0,100}", re.IGNORECASE)


def clean(url: str) -> str:
    """A URL as a browser's address bar would take it. Raises ValueError with what is wrong.

    http and https URLs come back with an ASCII host, an encoded path and query, and without the
    default port. Of other schemes only the ends and line breaks are cleaned.
    """
    if len(url) > RAW_LENGTH:
        raise ValueError(_TOO_LONG)
    url = trim(url)
    if _CONTROL.search(url):
        raise ValueError("it holds a control character. Remove it, or encode it as %XX.")
    match = _SCHEME.match(url)
    if match:
        url = _cleaned(match[1].lower(), url[match.end() :])
    if len(url) > MAX_LENGTH:
        raise ValueError(_TOO_LONG)
    return url


def trim(url: str) -> str:
    """Without the control characters and spaces at both ends, and the line breaks and tabs."""
    url = _SURROGATE.sub("\ufffd", url.strip(_ENDS))
    return url.replace("\t", "").replace("\n", "").replace("\r", "")


def join(base: str, location: bytes) -> str:
    """Where a Location header leads from `base`, a clean URL. Raises ValueError."""
    if len(location) > RAW_LENGTH:
        raise ValueError(_TOO_LONG)
    target = trim(_decoded(location))
    path, mark, rest = _split_path(target)
    return clean(urljoin(base, path.replace("\\", "/") + mark + rest))


def endpoint(host: str, port: int) -> str:
    """host:port as SOURCE_ALLOW names it: lower case, an IPv6 address in brackets."""
    bare = host.strip("[]").lower()
    if ":" in bare:
        try:
            bare = f"[{ipaddress.IPv6Address(bare).compressed}]"
        except ValueError:
            bare = f"[{bare}]"
    return f"{bare}:{port}"


def allowed(entry: str) -> str:
    """An entry of SOURCE_ALLOW in the form of `endpoint`."""
    host, _, port = entry.strip().rpartition(":")
    return endpoint(host, int(port)) if port.isascii() and port.isdigit() else entry.strip()


_TOO_LONG = f"it is longer than {MAX_LENGTH:,} characters. Use a shorter link, or upload the file."
_MALFORMED = "it is not well formed."


def _decoded(location: bytes) -> str:
    """A header's text: UTF-8 where it is, else Latin-1, as HTTP had it first."""
    try:
        return location.decode("utf-8")
    except UnicodeDecodeError:
        return location.decode("latin-1")


def _cleaned(scheme: str, rest: str) -> str:
    """An http(s) URL from what follows its scheme and slashes."""
    path, mark, tail = _split_path(rest)
    authority, slash, path = path.replace("\\", "/").partition("/")
    query, hash_, fragment = ("", mark, tail) if mark == "#" else tail.partition("#")
    text = f"{scheme}://{_authority(scheme, authority)}{_path(slash + path)}"
    if mark == "?":
        text += "?" + _encoded(query, _IN_QUERY)
    return text + (hash_ + _encoded(fragment, _IN_FRAGMENT) if hash_ else "")


def _split_path(url: str) -> tuple[str, str, str]:
    """What stands before the query or fragment, the mark (? or #, or none), and the rest."""
    at = min((at for at in (url.find("?"), url.find("#")) if at >= 0), default=len(url))
    return url[:at], url[at : at + 1], url[at + 1 :]


def _authority(scheme: str, text: str) -> str:
    if "@" in text:
        raise ValueError(
            "it holds a user name or password, which would be kept with the job. Use a signed link"
            " that needs no login, or upload the file."
        )
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text, ""
    if not host:
        raise ValueError("it names no host.")
    if port and not (port.isascii() and port.isdigit() and len(port) < 20 and int(port) <= 65535):
        raise ValueError(_MALFORMED)
    default = {"http": 80, "https": 443}[scheme]
    number = int(port) if port else default
    return _host(host) + ("" if number == default else f":{number}")


def _host(text: str) -> str:
    """The host in ASCII. Raises ValueError."""
    if text.startswith("["):
        try:
            if "%" in text:  # a zone
                raise ValueError
            return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
        except ValueError:
            raise ValueError(_MALFORMED) from None
    name = unquote(text)
    if not name.isascii():
        name = _idna(name)
    name = name.lower()
    labels = name.removesuffix(".").split(".")
    if len(name.removesuffix(".")) > MAX_HOST or max(map(len, labels)) > MAX_LABEL:
        raise ValueError(
            f"its host name is too long: a name has at most {MAX_HOST} characters, and {MAX_LABEL}"
            " between two dots."
        )
    if not all(labels) or _FORBIDDEN_IN_HOST.search(name):
        raise ValueError(_MALFORMED)
    return name


def _idna(name: str) -> str:
    """A name of any script as DNS knows it (UTS 46). Raises ValueError."""
    import idna  # its tables take a while to load, and most hosts are ASCII

    if len(name) > MAX_HOST:
        raise ValueError(_MALFORMED)
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
        return ".".join(_label(label) for label in mapped.split("."))
    except (idna.IDNAError, UnicodeError):
        raise ValueError(_MALFORMED) from None


def _label(label: str) -> str:
    if label.isascii():
        return label
    import idna

    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:  # such as emoji, which browsers take
        return "xn--" + label.encode("punycode").decode("ascii")


def _path(path: str) -> str:
    """The path encoded, without its . and .. segments."""
    segments: list[str] = []
    parts = _encoded(path, _IN_PATH).split("/")[1:] or [""]
    for number, part in enumerate(parts):
        dots = part.lower().replace("%2e", ".")
        if dots in (".", ".."):
            if dots == ".." and segments:
                segments.pop()
            if number == len(parts) - 1:
                segments.append("")
        else:
            segments.append(part)
    return "/" + "/".join(segments)


def _encoded(text: str, table: tuple[str, ...]) -> str:
    """Percent-encode what is not ASCII, not printable, or unsafe; what is encoded stays."""
    return "".join([table[byte] for byte in text.encode()])


def _table(unsafe: str) -> tuple[str, ...]:
    """What each byte is written as."""
    return tuple(
        chr(byte) if 0x20 < byte < 0x7F and chr(byte) not in unsafe else f"%{byte:02X}"
        for byte in range(256)
    )


_IN_PATH = _table(' "#<>?^`{}')
_IN_QUERY = _table(" \"#<>'")
_IN_FRAGMENT = _table(' "<>`')
