"""Fetches an issuer's keys: OpenID Connect Discovery 1.0, over https alone and without redirects."""

from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from strongroom.aio import tls
from strongroom.server.authentication.oidc import jwks
from strongroom.server.authentication.oidc.config import JWTAuthenticator

PATH: Final = "/.well-known/openid-configuration"
SECONDS: Final = 10.0
LIMIT: Final = 1024 * 1024


class Unreachable(Exception):
    """The keys can't be had: why, in one line."""


async def fetch(authenticator: JWTAuthenticator) -> dict[str, tuple[jwks.Key, ...]]:
    """The keys that the issuer publishes now. Raises Unreachable."""
    import aiohttp  # takes 0.3 s, which no start should wait for

    context = tls.trust(cadata=authenticator.ca or None)
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            where = authenticator.discovery_url or authenticator.url.rstrip("/") + PATH
            configuration = await _get(session, where)
            return jwks.parse(await _get(session, _keys_url(configuration, authenticator)))
    except TimeoutError:
        raise Unreachable(f"no answer within {SECONDS:.0f} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(" ".join(str(error).split()) or type(error).__name__) from None
    except jwks.MalformedKeySet as error:
        raise Unreachable(f"its key set can't be used: {error}") from None


def _keys_url(configuration: Any, authenticator: JWTAuthenticator) -> str:
    """Raises Unreachable."""
    if not isinstance(configuration, dict):
        raise Unreachable("its configuration is no JSON object")
    if configuration.get("issuer") != authenticator.url:
        raise Unreachable("its configuration names another issuer")
    url = configuration.get("jwks_uri")
    if not isinstance(url, str) or urlsplit(url).scheme != "https":
        raise Unreachable("its configuration names no jwks_uri with https")
    return url


async def _get(session: Any, url: str) -> Any:
    """Raises Unreachable, and what aiohttp raises."""
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:
            raise Unreachable(f"{url} answered {answer.status}")
        content = await answer.content.read(LIMIT + 1)
        while len(content) <= LIMIT and (more := await answer.content.read(LIMIT + 1)):
            content += more
        if len(content) > LIMIT:
            raise Unreachable(f"{url} answered more than {LIMIT >> 20} MiB")
        try:
            return orjson.loads(content)
        except ValueError:
            raise Unreachable(f"{url} did not answer JSON") from None
