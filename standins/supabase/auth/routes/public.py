"""What anyone may read: /health, /settings, /authorize, and the documents of discovery."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from standins.supabase.auth.errors import validation_failed
from standins.supabase.auth.service import AuthService, ProjectSettings, answer

PROVIDERS = (
    "anonymous_users",
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "email",
    "phone",
    "zoom",
)


def routes(service: AuthService) -> Blueprint:
    """The routes."""
    room = Blueprint("public", __name__)

    @room.get("/health")
    def health() -> Response:
        description = "GoTrue is a user registration and authentication API"
        return answer({"version": "", "name": "GoTrue", "description": description})

    @room.get("/settings")
    def settings() -> Response:
        return answer(_settings(service.policy))

    @room.get("/authorize")
    def authorize() -> Response:
        raise validation_failed("Unsupported provider: provider is not enabled")

    @room.get("/.well-known/jwks.json")
    def key_set() -> Response:
        return _cached(service.tokens.key_set())

    @room.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return _cached(_configuration(service.policy.public_url))

    return room


def _cached(body: dict[str, Any]) -> Response:
    response = answer(body)
    response.headers["Cache-Control"] = "public, max-age=600"
    return response


def _settings(policy: ProjectSettings) -> dict[str, Any]:
    return {
        "external": {provider: provider == "email" for provider in PROVIDERS},
        "disable_signup": False,
        "mailer_autoconfirm": policy.autoconfirm,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": False,
        "saml_private_key_next_configured": True,
        "passkeys_enabled": False,
    }


def _configuration(issuer: str) -> dict[str, Any]:
    """The document of OpenID Connect Discovery 1.0."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "ES256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "none",
        ],
        "claims_supported": [
            "sub",
            "aud",
            "iss",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "email",
            "email_verified",
            "phone_number",
            "phone_number_verified",
            "name",
            "picture",
            "preferred_username",
            "updated_at",
        ],
        "code_challenge_methods_supported": ["S256", "plain"],
    }
