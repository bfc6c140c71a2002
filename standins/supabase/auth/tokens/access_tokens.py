"""Users' access tokens: ES256, verifiable with the published key set."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm

from standins.supabase.auth.errors import bad_jwt
from standins.supabase.keys import ProjectKeys

ALGORITHM = "ES256"
REFUSED = "invalid JWT: unable to parse or verify signature, "


class AccessTokens:
    """Signs and reads the tokens of one project."""

    def __init__(self, keys: ProjectKeys) -> None:
        private = load_pem_private_key(keys.user_token_key.encode(), None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("the key that signs users' tokens is not an elliptic curve key")
        self._private = private
        self._public = private.public_key()
        self._kid = keys.user_token_kid

    def key_set(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517)."""
        key = ECAlgorithm.to_jwk(self._public, as_dict=True)
        described = {
            "alg": ALGORITHM,
            "key_ops": ["verify"],
            "kid": self._kid,
            "use": "sig",
        }
        return {"keys": [described | {name: key[name] for name in ("kty", "crv", "x", "y")}]}

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with these claims."""
        return jwt.encode(claims, self._private, ALGORITHM, headers={"kid": self._kid})

    def read(self, token: str, now: float) -> dict[str, Any]:
        """The claims of a good token at the time `now` (Unix seconds). Raises AuthError (403)."""
        if token.count(".") != 2:
            raise bad_jwt(
                f"{REFUSED}token is malformed: token contains an invalid number of segments"
            )
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                # The time is checked below, by the clock that the tokens were made by.
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            raise bad_jwt(f"{REFUSED}token signature is invalid: signature is invalid") from None
        except jwt.InvalidAlgorithmError:
            raise bad_jwt(
                f"{REFUSED}token signature is invalid: signing method is invalid"
            ) from None
        except jwt.PyJWTError as error:
            raise bad_jwt(f"{REFUSED}token is malformed: {error}") from None
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            raise bad_jwt(f"{REFUSED}token has invalid claims: token is expired")
        return claims
