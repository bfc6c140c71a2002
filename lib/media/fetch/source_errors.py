"""What can go wrong with the server of a source: a sentence for each, and whether to ask again."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lib.media.errors import Category, MediaError, status_reason

MAX_RETRY_AFTER = 20.0
"""Seconds. A server that asks for more is asked again after these."""
EXPIRED = (401, 403, 404, 410)
"""Statuses of a link that is used up, among others."""
RETRIED = (408, 425, 429)
"""Statuses below 500 that may be another one the next time."""


class SourceError(MediaError):
    """A server did not deliver. `what` it did is a clause, `advice` a sentence.

    `retry` says whether another try may do better, `wait` how many seconds the server asked for,
    `cost` how many failures it counts as.
    """

    def __init__(
        self,
        category: Category,
        what: str,
        advice: str,
        reason: str,
        *,
        retry: bool = False,
        wait: float = 0.0,
        cost: int = 1,
        status: int = 0,
    ) -> None:
        super().__init__(category, f"{what}. {advice}", reason)
        self.what = what
        self.advice = advice
        self.retry = retry
        self.wait = wait
        self.cost = cost
        self.status = status

    def after(self, tries: int, seconds: float, *, alike: bool) -> MediaError:
        """The error of a source that failed so at last, after `tries` within `seconds`."""
        if tries < 2:
            return self
        within = f"within {max(1, round(seconds))} s"
        if alike:
            sentence = f"{self.what} {_times(tries)} {within}. {self.advice}"
        else:
            sentence = f"{self.what}, after other failures: {tries} {within}. {self.advice}"
        return MediaError(self.category, sentence, self.reason)


def status_error(status: int, retry_after: str = "", now: datetime | None = None) -> SourceError:
    """The error for a status other than success."""
    what = f"The input's server answered {status}"
    known = _STATUSES.get(status)
    what += f" ({known[0]})" if known else ""
    retry = status in RETRIED or (500 <= status < 600 and status not in (501, 505))
    advice = known[1] if known else _SERVER_FAILS if status >= 500 else _CHECK_LINK
    return SourceError(
        "upload" if retry or status >= 500 else "validation",
        what,
        advice,
        status_reason(status),
        retry=retry,
        wait=seconds_to_wait(retry_after, now) if retry else 0.0,
        status=status,
    )


def seconds_to_wait(retry_after: str, now: datetime | None = None) -> float:
    """A Retry-After header, in seconds or as a date, as seconds; bounded, 0 for nonsense."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(MAX_RETRY_AFTER, float(text[:9]))
    try:
        until = parsedate_to_datetime(text[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(MAX_RETRY_AFTER, max(0.0, (until - (now or datetime.now(UTC))).total_seconds()))


def broke_off() -> SourceError:
    """The error for a response that ends before its end."""
    return SourceError(
        "upload",
        "The input's server broke off before the end of the file",
        _SERVER_FAILS,
        "broken_off",
        retry=True,
    )


def no_ranges() -> MediaError:
    """The error for a server that breaks off again and again, and has no ranges to go on with."""
    return MediaError(
        "upload",
        "The input's server broke off again and again, and does not continue where it stopped (it"
        " has no ranges). Upload the file, or use another server.",
        "broken_off",
    )


def not_found(*, retry: bool = False) -> SourceError:
    """The error for a name that has no address; `retry` where the look-up itself failed."""
    what = "could not be looked up" if retry else "was not found"
    return SourceError(
        "upload",
        f"The name of the input's server {what} (DNS)",
        "Check the host in the URL for typing errors.",
        "dns",
        retry=retry,
    )


def refused() -> SourceError:
    """The error for a port on which nothing listens."""
    return SourceError(
        "upload",
        "The input's server refused the connection",
        "Check the host and the port of the URL, or try again when the server runs.",
        "refused",
        retry=True,
    )


def reset() -> SourceError:
    """The error for a connection that was reset."""
    return SourceError(
        "upload", "The input's server reset the connection", _SERVER_FAILS, "reset", retry=True
    )


def unreachable() -> SourceError:
    """The error for a network without a way to the server."""
    return SourceError(
        "upload",
        "The input's server is unreachable: there is no route to its address",
        "Check the host in the URL, or upload the file.",
        "unreachable",
        retry=True,
    )


def no_http(*, answered: bool) -> SourceError:
    """The error for what can't be read as HTTP; `answered` whether any of it came."""
    did = "answered with something that is not HTTP" if answered else "closed the connection"
    return SourceError(
        "upload",
        f"The input's server {did}",
        "Check the scheme and the port of the URL, or upload the file.",
        "protocol",
        retry=not answered,
    )


def expects_tls() -> SourceError:
    """The error for http:// to a port of https."""
    return SourceError(
        "upload",
        "The input's server expects https (TLS) on this port",
        "Begin the URL with https://.",
        "tls",
    )


def tls(error: ssl.SSLError) -> SourceError:
    """The error for a TLS handshake that failed."""
    what, advice = "The TLS (https) connection to the input's server failed", _CHECK_TLS
    retry = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(error, ssl.SSLCertVerificationError):
        what, advice = f"The input's server has {_certificate(error)}", _CERTIFICATE
    elif error.reason in _NOT_TLS:
        what = "The input's server does not speak TLS (https) on this port"
    return SourceError("upload", what, advice, "tls", retry=retry)


def tls_timeout() -> SourceError:
    """The error for a TLS handshake that was not answered."""
    return SourceError(
        "upload",
        "The input's server did not answer the TLS (https) handshake",
        _CHECK_TLS,
        "tls",
        retry=True,
        cost=3,
    )


def no_answer(*, connecting: bool) -> SourceError:
    """The error for a server that lets us wait."""
    return SourceError(
        "upload",
        "The input's server was too slow: "
        + ("it did not take the connection" if connecting else "it sent nothing for too long"),
        "Upload the file instead, or use a faster server.",
        "connect_timeout" if connecting else "slow",
        retry=True,
        cost=2,
    )


def too_slow(what: str) -> MediaError:
    """The error for a server that used up its time; not to be tried again."""
    return MediaError(
        "upload",
        f"The input's server was too slow: {what}. Upload the file instead, or use a faster"
        " server.",
        "slow",
    )


def not_public() -> MediaError:
    """The error for a name or a redirect that leads into a private network."""
    return MediaError(
        "validation",
        "The input's URL leads to an address that is not public. Use a public http(s) URL, or"
        " upload the file.",
        "not_public",
    )


def changed() -> MediaError:
    """The error for a file that was replaced while it was read."""
    return MediaError(
        "upload",
        "The input's file changed while it was read from its server. Send the job again when the"
        " file stays as it is.",
        "changed",
    )


def _times(count: int) -> str:
    words = ("", "once", "twice", "three times", "four times", "five times", "six times")
    return words[count] if count < len(words) else f"{count} times"


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with a certificate, by OpenSSL's code."""
    return _CERTIFICATES.get(error.verify_code, "a TLS certificate that is not trusted")


_CERTIFICATES = {
    9: "a TLS certificate that is not valid yet",
    10: "a TLS certificate that has expired",
    18: "a self-signed TLS certificate",
    19: "a self-signed TLS certificate",
    20: "a TLS certificate of an unknown issuer (perhaps without its intermediate certificate)",
    21: "a TLS certificate of an unknown issuer (perhaps without its intermediate certificate)",
    23: "a TLS certificate that was revoked",
    62: "a TLS certificate for another host name",
    64: "a TLS certificate for another host name",
}
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL",
                      "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"})  # fmt: skip
_SERVER_FAILS = "Try again when the server works, or upload the file."
_CHECK_LINK = "Check that the URL opens without a login and has not expired, or upload the file."
_NOT_THERE = "Check the URL for typing errors, or get a new link if it has expired."
_CHECK_TLS = "Check that the URL's port is one of https, or begin the URL with http://."
_CERTIFICATE = "Let the server's owner renew or fix it, or upload the file."
_LATER = "The server limits how often it is asked. Try again later, or upload the file."
_STATUSES = {
    401: ("a login is needed", _CHECK_LINK),
    403: ("access denied", _CHECK_LINK),
    404: ("not found", _NOT_THERE),
    407: ("a login is needed", _CHECK_LINK),
    408: ("request timeout", _SERVER_FAILS),
    410: ("gone", _NOT_THERE),
    429: ("too many requests", _LATER),
    451: ("blocked for legal reasons", "Upload the file, or use another server."),
}
