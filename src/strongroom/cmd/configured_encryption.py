"""Encryption at rest as an EncryptionConfiguration file says, which may change while the server runs."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from strongroom.api import scheme
from strongroom.encryption import aes_cbc, aes_gcm, config, envelope, secretbox
from strongroom.encryption.identity import IdentityTransformer
from strongroom.encryption.keyring import Keyring, KeyringError
from strongroom.encryption.kms.plugin import Plugin
from strongroom.encryption.prefixed import PrefixedTransformer, Provider
from strongroom.encryption.transformer import Opened, Transformer

_log = logging.getLogger(__name__)

RELOAD_SECONDS: Final = 60.0
"""How often the file is looked at, as kube-apiserver does."""

_LIMIT: Final = 1024 * 1024
_KEYED: Final = {"aesgcm": aes_gcm.provider, "aescbc": aes_cbc.provider, "secretbox": secretbox.provider}

OpenKeyring = Callable[[], Keyring]


class Switch:
    """A transformer that is exchanged while it is in use."""

    __slots__ = ("inner",)

    def __init__(self, inner: Transformer) -> None:
        self.inner = inner

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        return self.inner.to_storage(data, context)

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        return self.inner.from_storage(stored, context)


class _Loaded:
    """One content of the file, put to use."""

    def __init__(self, content: bytes, path: Path, open_keyring: OpenKeyring) -> None:
        """Asks every plugin. Raises KeyringError: the file is wrong, or a plugin does not answer."""
        self.digest = hashlib.sha256(content).digest()
        self.plugins: list[Plugin] = []
        self.transformers: dict[str, Transformer] = {}
        self.encrypted: list[str] = []
        self._path = path
        self._open_keyring = open_keyring
        try:
            blocks = config.parse(content.decode())
            made = {id(block): [self._provider(each) for each in block.providers] for block in blocks}
        except (config.ConfigError, UnicodeDecodeError) as error:
            self.close()
            text = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise KeyringError(f"{path}: {text}") from None
        except BaseException:
            self.close()
            raise
        for resource in scheme.STRATEGIES:
            block = config.block_for(blocks, resource.plural, resource.group)
            providers = made[id(block)] if block is not None else [IdentityTransformer()]
            self.transformers[resource.storage_prefix] = PrefixedTransformer(providers)
            if not isinstance(providers[0], IdentityTransformer):
                self.encrypted.append(resource.storage_prefix)

    def _provider(self, wanted: config.Provider) -> Provider:
        if isinstance(wanted, config.Identity):
            return IdentityTransformer()
        if isinstance(wanted, config.KMS):
            if wanted.endpoint == config.KEYRING:
                return envelope.EnvelopeTransformer(self._open_keyring(), wanted.name)
            plugin = Plugin(wanted.name, wanted.endpoint, wanted.timeout)
            self.plugins.append(plugin)
            plugin.poll()
            if plugin.problem:
                raise KeyringError(f"{self._path}: {plugin.problem}")
            return envelope.EnvelopeTransformer(plugin, wanted.name)
        keys = {name: key.reveal() for name, key in wanted.keys.items()}
        try:
            return _KEYED[wanted.kind](keys)
        except ImportError:
            raise KeyringError(
                f"{self._path}: secretbox needs PyNaCl: pip install 'strongroom[secretbox]'"
            ) from None

    def close(self) -> None:
        for plugin in self.plugins:
            plugin.close()


class ConfiguredEncryption:
    """Made from the file at `path`; `poll` follows its changes and those of the plugins' keys."""

    def __init__(self, path: Path, open_keyring: OpenKeyring) -> None:
        """Raises KeyringError. `open_keyring` is asked when the file names the keyring."""
        self._path = path
        self._open_keyring = open_keyring
        self._loaded = _Loaded(_read(path), path, open_keyring)
        self._refused = b""
        self._switches = {prefix: Switch(inner) for prefix, inner in self._loaded.transformers.items()}

    @property
    def transformers(self) -> Mapping[str, Transformer]:
        """For every kind, since the next content of the file may encrypt it."""
        return self._switches

    @property
    def encrypted(self) -> Sequence[str]:
        """Prefixes of the kinds that are written encrypted now."""
        return self._loaded.encrypted

    @property
    def healthy(self) -> bool:
        """All plugins answer."""
        return not any(plugin.problem for plugin in self._loaded.plugins)

    @property
    def interval(self) -> float:
        """Seconds until `poll` should be called again."""
        return min([RELOAD_SECONDS, *(plugin.interval for plugin in self._loaded.plugins)])

    def poll(self) -> Sequence[str]:
        """Take over what has changed; prefixes of what may be stale by that. Blocks; never raises.

        A file that can't be used is reported once, and what was loaded before stays in use."""
        changed = [plugin.poll() for plugin in self._loaded.plugins]
        for plugin in self._loaded.plugins:
            if plugin.problem:
                _log.error("%s", plugin.problem)
        return list(self._switches) if self._reload() or any(changed) else []

    def _reload(self) -> bool:
        digest = b""
        try:
            content = _read(self._path)
            digest = hashlib.sha256(content).digest()
            if digest in (self._loaded.digest, self._refused):
                return False
            loaded = _Loaded(content, self._path, self._open_keyring)
        except KeyringError as error:
            if digest != self._refused or not digest:
                _log.error("the encryption configuration is not reloaded: %s", error)
            self._refused = digest
            return False
        old, self._loaded, self._refused = self._loaded, loaded, b""
        for prefix, inner in loaded.transformers.items():
            self._switches[prefix].inner = inner
        old.close()
        _log.info("the encryption configuration was reloaded: %s", self._path)
        return True

    def close(self) -> None:
        self._loaded.close()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        raise KeyringError(f"{path}: {error.strerror}") from error
    if len(content) > _LIMIT:
        raise KeyringError(f"{path}: larger than {_LIMIT} bytes")
    return content
