"""OpenID discovery of the service account issuer: others verify our tokens with what stands here."""

from typing import Final

import orjson

from strongroom.machinery import status
from strongroom.server import responses
from strongroom.server.request import Request
from strongroom.server.service_accounts.keys import ALGORITHM
from strongroom.server.service_accounts.settings import TokenSettings

CONFIGURATION: Final = "/.well-known/openid-configuration"
KEYS: Final = "/openid/v1/jwks"
_CACHE: Final = (b"cache-control", b"public, max-age=3600")


class IssuerDiscovery:
    """Answers both paths. `server_address`: host:port at which the keys are found."""

    def __init__(self, settings: TokenSettings, server_address: str) -> None:
        self._settings = settings
        self._configuration = orjson.dumps(
            {
                "issuer": settings.issuer,
                "jwks_uri": settings.jwks_uri or f"https://{server_address}{KEYS}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        )

    def has(self, path: str) -> bool:
        return path in (CONFIGURATION, KEYS)

    async def serve(self, request: Request) -> None:
        """Raises StatusError 405."""
        if request.method != "GET":
            raise status.method_not_allowed()
        if request.path == KEYS:
            body, kind = orjson.dumps(self._settings.keys.jwks()), b"application/jwk-set+json"
        else:
            body, kind = self._configuration, b"application/json"
        await responses.send(request, 200, body, (b"content-type", kind), cache=_CACHE)
