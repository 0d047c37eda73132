"""The flags that say who else is known to the API, with kube-apiserver's names."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import yaml

from strongroom.cmd import token_options
from strongroom.cmd.flags import PATH, flag
from strongroom.cmd.token_options import TokenOptions
from strongroom.machinery.validation import go_quote
from strongroom.server.authentication.oidc import config
from strongroom.server.authentication.oidc.config import ConfigError, JWTAuthenticator, PrefixedClaim

_log = logging.getLogger(__name__)

RELOAD_SECONDS: Final = 60.0
"""How often the file of --authentication-config is looked at, as kube-apiserver does."""
LIMIT: Final = 1024 * 1024

FLAGS = (
    flag(
        "--token-auth-file",
        type=PATH,
        metavar="F",
        help='Users and their tokens, CSV as Kubernetes takes it: token,user,uid,"group1,group2".',
    ),
    flag(
        "--authentication-config",
        type=PATH,
        metavar="F",
        help="A Kubernetes AuthenticationConfiguration: issuers whose ID tokens (OIDC) are taken. It is read "
        "again when it changes.",
    ),
    flag("--oidc-issuer-url", metavar="URL", help="One issuer whose ID tokens are taken; https."),
    flag("--oidc-client-id", metavar="ID", help="The audience that its tokens must be meant for."),
    flag("--oidc-ca-file", type=PATH, metavar="F", help="Vouches for it, PEM.  [default: the machine's CAs]"),
    flag("--oidc-username-claim", metavar="CLAIM", help="Becomes the user's name.  [default: sub]"),
    flag(
        "--oidc-username-prefix",
        metavar="P",
        help="Put before it; - is none.  [default: the issuer's URL and #, none for the claim email]",
    ),
    flag("--oidc-groups-claim", metavar="CLAIM", help="Becomes the user's groups.  [default: none]"),
    flag("--oidc-groups-prefix", metavar="P", help="Put before each of them."),
    flag(
        "--oidc-required-claim",
        multiple=True,
        metavar="CLAIM=VALUE",
        help="Must stand in each of its tokens. May be repeated.",
    ),
    flag(
        "--oidc-signing-algs",
        metavar="ALG,...",
        help="Signatures that are taken.  [default: RS256]",
    ),
    *token_options.FLAGS,
)


_OF_TOKENS: Final = ("service_account_", "api_audiences")


class AuthenticationError(click.UsageError):
    """A flag, or the file that it names, can't be used."""


@dataclass(frozen=True, slots=True)
class Options:
    """Who is known beside the administrator and ServiceAccounts."""

    token_file: Path | None = None
    config_file: Path | None = None
    issuers: tuple[JWTAuthenticator, ...] = ()
    """Those of `config_file` or of the flags."""
    tokens: TokenOptions = field(default_factory=TokenOptions)
    """How ServiceAccount tokens are issued and which are taken."""


def resolve(
    *,
    token_auth_file: Path | None = None,
    authentication_config: Path | None = None,
    oidc_signing_algs: str | None = None,
    oidc_required_claim: Sequence[str] = (),
    **oidc: Any,
) -> Options:
    """What the flags say. Raises AuthenticationError."""
    of_tokens = {name: oidc.pop(name) for name in list(oidc) if name.startswith(_OF_TOKENS)}
    tokens = token_options.resolve(**of_tokens)
    own = own_issuers(tokens)
    flags = {
        **oidc,
        "oidc_signing_algs": oidc_signing_algs,
        "oidc_required_claim": tuple(oidc_required_claim),
    }
    given = [name for name, value in flags.items() if value]
    if authentication_config is not None and given:
        raise AuthenticationError("authentication-config file and oidc-* flags are mutually exclusive")
    issuers: tuple[JWTAuthenticator, ...] = ()
    if authentication_config is not None:
        authentication_config = authentication_config.absolute()
        issuers = load(authentication_config, own)
    elif given:
        issuers = (_of_flags(flags, own),)
    token_file = token_auth_file.absolute() if token_auth_file else None
    return Options(token_file, authentication_config, issuers, tokens)


def load(path: Path, own: Sequence[str]) -> tuple[JWTAuthenticator, ...]:
    """The issuers in an AuthenticationConfiguration; none of them may be one of `own`.

    Raises AuthenticationError."""
    text = _read(path, "--authentication-config")
    try:
        return config.parse(yaml.safe_load(text), own)
    except (yaml.YAMLError, RecursionError):
        raise AuthenticationError(f"--authentication-config: {path}: not YAML") from None
    except ConfigError as error:
        raise AuthenticationError(f"--authentication-config: {path}: {error}") from None


def _read(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise AuthenticationError(f"{name}: {path}: larger than {LIMIT >> 20} MiB")
        return content.decode()
    except OSError as error:
        raise AuthenticationError(f"{name}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AuthenticationError(f"{name}: {path}: not UTF-8") from None


def own_issuers(tokens: TokenOptions) -> tuple[str, ...]:
    """Whose tokens this API signs itself."""
    # Imported here: --help stays quick.
    from strongroom.server.node_tokens import tokens as node_tokens
    from strongroom.server.service_accounts import legacy, settings

    return (*(tokens.issuers or (settings.ISSUER,)), legacy.ISSUER, node_tokens.ISSUER)


class ConfigFile:
    """An AuthenticationConfiguration that may change while the server runs."""

    def __init__(self, path: Path, own: Sequence[str]) -> None:
        """`own`: as for `load`."""
        self._path = path
        self._own = own
        self._seen = self._digest()

    def changed(self) -> tuple[JWTAuthenticator, ...] | None:
        """The issuers it holds now; None when they are those of before, or can't be used, which is logged."""
        if (digest := self._digest()) == self._seen:
            return None
        self._seen = digest
        try:
            issuers = load(self._path, self._own)
        except AuthenticationError as error:
            _log.error("authentication stays as it was: %s", " ".join(error.format_message().split()))
            return None
        _log.info("authentication: %d issuers from %s", len(issuers), self._path)
        return issuers

    def _digest(self) -> bytes:
        try:
            return hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            return b""


def _of_flags(given: Mapping[str, Any], own: Sequence[str]) -> JWTAuthenticator:
    url, client = given.get("oidc_issuer_url"), given.get("oidc_client_id")
    if not url or not client:
        raise AuthenticationError(
            "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
        )
    algorithms = tuple(each.strip() for each in (given.get("oidc_signing_algs") or "RS256").split(","))
    for algorithm in algorithms:
        if algorithm not in config.ALGORITHMS:
            raise AuthenticationError(
                f"--oidc-signing-algs: oidc: unsupported signing alg: {go_quote(algorithm)}"
            )
    claim = given.get("oidc_username_claim") or "sub"
    prefix = given.get("oidc_username_prefix") or ("" if claim == "email" else f"{url}#")
    groups = given.get("oidc_groups_claim")
    ca = given.get("oidc_ca_file")
    made = JWTAuthenticator(
        url,
        (client,),
        PrefixedClaim(claim, "" if prefix == "-" else prefix),
        PrefixedClaim(groups, given.get("oidc_groups_prefix") or "") if groups else None,
        required=_required(given["oidc_required_claim"]),
        algorithms=algorithms,
        ca=_read(ca, "--oidc-ca-file") if ca else "",
    )
    if ca and not made.ca.strip():
        raise AuthenticationError(f"--oidc-ca-file: {ca}: holds no certificate")
    if errors := list(config.validate(made, "jwt[0]", own)):
        raise AuthenticationError(f"--oidc-*: {config.aggregate(errors)}")
    return made


def _required(pairs: Sequence[str]) -> Mapping[str, str]:
    required = {}
    for pair in pairs:
        claim, separator, value = pair.partition("=")
        if not claim.strip() or not separator:
            raise AuthenticationError(f"--oidc-required-claim: malformed pair, expect claim=value: {pair!r}")
        required[claim.strip()] = value.strip()
    return required
