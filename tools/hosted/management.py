"""Supabase's Management API, as far as `make supabase-setup` and `make doctor` use it."""

from __future__ import annotations

from typing import Any

import httpx

SECONDS = 30
MOST_MESSAGE = 300
"""Characters of the API's own message that are shown."""


class ManagementError(Exception):
    """The API did not do what was asked; the sentence says what to do."""


class NotAccepted(ManagementError):
    """The API refuses these values for this project; the text is its own message."""


class Management:
    """The settings of one project."""

    def __init__(self, url: str, ref: str, token: str) -> None:
        self._ref = ref
        self._http = httpx.Client(
            base_url=f"{url}/v1/projects/{ref}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=SECONDS,
        )

    def read(self, name: str) -> dict[str, Any]:
        """The settings `auth` or `storage`. Raises ManagementError."""
        return self._call("GET", name, None)

    def change(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Change some settings; all of them after that. Raises ManagementError, NotAccepted."""
        self._call("PATCH", name, values)
        return self.read(name)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _call(self, method: str, name: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            response = self._http.request(method, f"/config/{name}", json=body)
        except httpx.HTTPError as error:
            raise ManagementError(
                f"{self._http.base_url.host} does not answer ({type(error).__name__}). Try again."
            ) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        raise self._refusal(response.status_code, answer, body or {})

    def _refusal(self, status: int, answer: Any, body: dict[str, Any]) -> ManagementError:
        if status == 401:
            return ManagementError(
                "SUPABASE_ACCESS_TOKEN is not valid. Create another one at"
                " https://supabase.com/dashboard/account/tokens."
            )
        if status == 404 or (status == 403 and not body):
            return ManagementError(
                f"The token's account can't manage a project {self._ref}. Check SUPABASE_URL, or"
                " create the token with an account that owns the project."
            )
        message = _message(answer, body)
        if body and status in (400, 402, 403, 409, 422):
            return NotAccepted(message)
        return ManagementError(f"The Management API answered {status}: {message} Try again later.")


def _message(answer: Any, body: dict[str, Any]) -> str:
    """The API's message without anything secret that was sent, in case it quotes it."""
    text = str(answer.get("message") or "no message") if isinstance(answer, dict) else "no message"
    for name, value in body.items():
        if "pass" in name and value:
            text = text.replace(str(value), "(not shown)")
    return "".join(each if each.isprintable() else " " for each in text)[:MOST_MESSAGE]
