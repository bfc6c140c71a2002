"""Who calls the stand-ins: the project's keys, or a person's access token."""

from __future__ import annotations

from typing import Any, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.supabase.keys import Keys


class Caller(NamedTuple):
    """A database role and the claims its policies see."""

    role: str
    claims: dict[str, Any]

    @property
    def service(self) -> bool:
        """Whether it is the server-side key, which no policy binds."""
        return self.role == "service_role"


class TokenInvalid(Exception):
    """The credential is none of ours; the text is what the real servers say."""


def private_key(keys: Keys) -> ec.EllipticCurvePrivateKey:
    """The key that signs people's access tokens."""
    loaded = load_pem_private_key(keys.user_token_key.encode(), None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise TypeError("the user token key is not an elliptic curve key")
    return loaded


def identify(keys: Keys, credential: str) -> Caller:
    """The caller behind a key or an ES256 access token. Raises TokenInvalid."""
    if credential == keys.secret:
        return Caller("service_role", {"role": "service_role"})
    if credential == keys.publishable:
        return Caller("anon", {"role": "anon"})
    claims = decode(credential, private_key(keys).public_key(), ["ES256"])
    return Caller(str(claims.get("role", "anon")), claims)


def decode(token: str, key: Any, algorithms: list[str]) -> dict[str, Any]:
    """A token's claims. Raises TokenInvalid in the words of the real servers."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=algorithms, options={"verify_aud": False}
        )
    except jwt.ExpiredSignatureError:
        raise TokenInvalid('"exp" claim timestamp check failed') from None
    except jwt.InvalidSignatureError:
        raise TokenInvalid("signature verification failed") from None
    except jwt.DecodeError:
        if token.count(".") == 2:
            raise TokenInvalid("JWS Protected Header is invalid") from None
        raise TokenInvalid("Invalid Compact JWS") from None
    except jwt.PyJWTError as error:
        raise TokenInvalid(str(error)) from None
    return claims
