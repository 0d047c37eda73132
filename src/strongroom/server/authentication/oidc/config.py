"""Which issuers are believed, and what their tokens say: Kubernetes' `AuthenticationConfiguration`.

Rules and texts: Kubernetes documentation, "Authentication configuration from a file"; KEP-3331. What needs
CEL is refused by name.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from strongroom.aio import tls
from strongroom.machinery import validation
from strongroom.machinery.validation import FieldError

GROUP: Final = "apiserver.config.k8s.io"
VERSIONS: Final = (f"{GROUP}/v1", f"{GROUP}/v1beta1", f"{GROUP}/v1alpha1")
KIND: Final = "AuthenticationConfiguration"
ALGORITHMS: Final = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
MAX_ISSUERS: Final = 64

_NO_CEL: Final = "CEL is not supported: use claim, prefix and requiredValue"


class ConfigError(Exception):
    """What is wrong, with the field's path."""


@dataclass(frozen=True, slots=True)
class PrefixedClaim:
    """A claim, and what is put before each of its values."""

    claim: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class JWTAuthenticator:
    """One issuer. `audiences`: a token must be meant for one of them. `required`: claims with their values.

    `discovery_url`: where its configuration is, if elsewhere. `ca`: PEM, "" for the machine's."""

    url: str
    audiences: tuple[str, ...]
    username: PrefixedClaim
    groups: PrefixedClaim | None = None
    uid: str = ""
    required: Mapping[str, str] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ALGORITHMS
    discovery_url: str = ""
    ca: str = ""


def parse(document: Any, own_issuers: Sequence[str] = ()) -> tuple[JWTAuthenticator, ...]:
    """`own_issuers`: those of ServiceAccount tokens, which nobody else may speak for. Raises ConfigError."""
    if not isinstance(document, dict):
        raise ConfigError(f"not an {KIND}")
    version, kind = document.get("apiVersion"), document.get("kind")
    if version not in VERSIONS or kind != KIND:
        raise ConfigError(
            f"apiVersion and kind must be {VERSIONS[0]} and {KIND}, not {version!r} and {kind!r}"
        )
    _known(document, "", ("apiVersion", "kind", "jwt", "anonymous"))
    if document.get("anonymous") is not None:
        detail = "health and version are open to everyone, and nothing else is"
        raise ConfigError(str(validation.forbidden("anonymous", detail)))
    entries = _list(document, "jwt", "jwt")
    if len(entries) > MAX_ISSUERS:
        raise ConfigError(f"jwt: Too many: {len(entries)}: must have at most {MAX_ISSUERS} items")
    read = [_read(entry, f"jwt[{index}]") for index, entry in enumerate(entries)]
    errors: list[FieldError] = []
    for index, (authenticator, found) in enumerate(read):
        path = f"jwt[{index}]"
        errors += [*validate(authenticator, path, own_issuers), *found]
        earlier = [each for each, _ in read[:index]]
        if authenticator.url in [each.url for each in earlier]:
            errors.append(_duplicate(f"{path}.issuer.url", authenticator.url))
        elsewhere = authenticator.discovery_url
        if elsewhere and elsewhere in [each.discovery_url for each in earlier]:
            errors.append(_duplicate(f"{path}.issuer.discoveryURL", elsewhere))
    if errors:
        raise ConfigError(aggregate(errors))
    return tuple(authenticator for authenticator, _ in read)


def aggregate(errors: Sequence[FieldError]) -> str:
    """One line for all."""
    texts = list(dict.fromkeys(map(str, errors)))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def validate(
    authenticator: JWTAuthenticator, path: str, own_issuers: Sequence[str] = ()
) -> Iterator[FieldError]:
    """What is wrong with an issuer and its audiences."""
    url, elsewhere = authenticator.url, authenticator.discovery_url
    if not url:
        yield validation.required(f"{path}.issuer.url")
    else:
        yield from _check_url(url, f"{path}.issuer.url", own_issuers)
    if elsewhere:
        if elsewhere.rstrip("/") == url.rstrip("/"):
            detail = "discoveryURL must be different from URL"
            yield validation.invalid_value(f"{path}.issuer.discoveryURL", elsewhere, detail)
        yield from _check_url(elsewhere, f"{path}.issuer.discoveryURL", ())
    audiences = f"{path}.issuer.audiences"
    if not authenticator.audiences:
        yield validation.required(audiences, f"at least one {audiences} is required")
    for index, audience in enumerate(authenticator.audiences):
        if not audience:
            yield validation.required(f"{audiences}[{index}]")
        elif audience in authenticator.audiences[:index]:
            yield _duplicate(f"{audiences}[{index}]", audience)
    if authenticator.ca:
        try:
            tls.trust(cadata=authenticator.ca)
        except (ssl.SSLError, ValueError):
            detail = "data does not contain any valid RSA or ECDSA certificates"
            yield validation.invalid_value(f"{path}.issuer.certificateAuthority", "<omitted>", detail)


def _check_url(url: str, path: str, own_issuers: Sequence[str]) -> Iterator[FieldError]:
    if url in own_issuers:
        detail = f"URL must not overlap with disallowed issuers: [{' '.join(sorted(own_issuers))}]"
        yield validation.invalid_value(path, url, detail)
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        yield validation.invalid_value(path, url, "not a URL")
        return
    if parts.scheme != "https":
        yield validation.invalid_value(path, url, "URL scheme must be https")
    elif not parts.hostname:
        yield validation.invalid_value(path, url, "URL must have a host")
    if "@" in parts.netloc:
        # Not shown: it may be a password.
        yield validation.invalid_value(path, "<omitted>", "URL must not contain a username or password")
    if parts.query:
        yield validation.invalid_value(path, url, "URL must not contain a query")
    if parts.fragment:
        yield validation.invalid_value(path, url, "URL must not contain a fragment")


def _read(entry: Any, path: str) -> tuple[JWTAuthenticator, list[FieldError]]:
    """An entry of `jwt`, and what is wrong with its rules. Raises ConfigError for what has another form."""
    _known(entry, path, ("issuer", "claimValidationRules", "claimMappings", "userValidationRules"))
    issuer = _part(entry, "issuer", path)
    at = f"{path}.issuer"
    fields = ("url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy")
    _known(issuer, at, (*fields, "egressSelectorType"))
    audiences = [_is_text(each, f"{at}.audiences") for each in _list(issuer, "audiences", f"{at}.audiences")]
    errors: list[FieldError] = []
    policy = _text(issuer, "audienceMatchPolicy", at)
    if len(audiences) > 1 and policy != "MatchAny":
        detail = "audienceMatchPolicy must be MatchAny for multiple audiences"
        errors.append(validation.invalid_value(f"{at}.audienceMatchPolicy", policy, detail))
    elif policy not in ("", "MatchAny"):
        detail = "audienceMatchPolicy must be empty or MatchAny for single audience"
        errors.append(validation.invalid_value(f"{at}.audienceMatchPolicy", policy, detail))
    if _text(issuer, "egressSelectorType", at):
        errors.append(validation.forbidden(f"{at}.egressSelectorType", "egress selectors are not supported"))
    if _list(entry, "userValidationRules", f"{path}.userValidationRules"):
        errors.append(validation.forbidden(f"{path}.userValidationRules", _NO_CEL))
    mappings = _part(entry, "claimMappings", path)
    at = f"{path}.claimMappings"
    _known(mappings, at, ("username", "groups", "uid", "extra"))
    username = _prefixed(mappings, "username", at, errors)
    if username is None and not any(each.field.startswith(f"{at}.username") for each in errors):
        errors.append(validation.required(f"{at}.username", "claim or expression is required"))
    groups = _prefixed(mappings, "groups", at, errors)
    uid = _part(mappings, "uid", at)
    _known(uid, f"{at}.uid", ("claim", "expression"))
    if _text(uid, "expression", f"{at}.uid"):
        errors.append(validation.forbidden(f"{at}.uid.expression", _NO_CEL))
    if _list(mappings, "extra", f"{at}.extra"):
        errors.append(validation.forbidden(f"{at}.extra", _NO_CEL))
    authenticator = JWTAuthenticator(
        _text(issuer, "url", f"{path}.issuer"),
        tuple(audiences),
        username or PrefixedClaim(""),
        groups,
        _text(uid, "claim", f"{at}.uid"),
        _required_claims(entry, f"{path}.claimValidationRules", errors),
        discovery_url=_text(issuer, "discoveryURL", f"{path}.issuer"),
        ca=_text(issuer, "certificateAuthority", f"{path}.issuer"),
    )
    return authenticator, errors


def _prefixed(
    mappings: Mapping[str, Any], name: str, path: str, errors: list[FieldError]
) -> PrefixedClaim | None:
    at = f"{path}.{name}"
    given = _part(mappings, name, path)
    _known(given, at, ("claim", "prefix", "expression"))
    claim = _text(given, "claim", at)
    if _text(given, "expression", at):
        errors.append(validation.forbidden(f"{at}.expression", _NO_CEL))
        return None
    if not claim:
        return None
    if given.get("prefix") is None:
        detail = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        errors.append(validation.required(f"{at}.prefix", detail))
    return PrefixedClaim(claim, _text(given, "prefix", at))


def _required_claims(entry: Mapping[str, Any], path: str, errors: list[FieldError]) -> Mapping[str, str]:
    required: dict[str, str] = {}
    for index, rule in enumerate(_list(entry, "claimValidationRules", path)):
        at = f"{path}[{index}]"
        _known(rule, at, ("claim", "requiredValue", "expression", "message"))
        claim = _text(rule, "claim", at)
        if _text(rule, "expression", at):
            errors.append(validation.forbidden(f"{at}.expression", _NO_CEL))
        elif not claim:
            errors.append(validation.required(at, "claim or expression is required"))
        elif message := _text(rule, "message", at):
            detail = "may not be specified when claim is set"
            errors.append(validation.invalid_value(f"{at}.message", message, detail))
        elif claim in required:
            errors.append(_duplicate(f"{at}.claim", claim))
        else:
            required[claim] = _text(rule, "requiredValue", at)
    return required


def _duplicate(path: str, value: str) -> FieldError:
    return FieldError("FieldValueDuplicate", path, f"Duplicate value: {validation.go_quote(value)}")


def _known(given: Any, path: str, names: Sequence[str]) -> None:
    if not isinstance(given, dict):
        raise ConfigError(f"{path}: must be an object")
    for name in given:
        if name not in names:
            raise ConfigError(f'unknown field "{f"{path}." if path else ""}{name}"')


def _part(given: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    part = given.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise ConfigError(f"{path}.{name}: must be an object")
    return part


def _list(given: Mapping[str, Any], name: str, path: str) -> list[Any]:
    found = given.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise ConfigError(f"{path}: must be a list")
    return found


def _text(given: Mapping[str, Any], name: str, path: str) -> str:
    found = given.get(name)
    return "" if found is None else _is_text(found, f"{path}.{name}")


def _is_text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{path}: must be a string")
    return value
