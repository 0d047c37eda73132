"""Several providers for the same objects: the first writes, all read, told apart by the value's prefix."""

from collections.abc import Sequence
from typing import Final, Protocol

from strongroom.encryption import inspection
from strongroom.encryption.transformer import Opened, Transformer, TransformError, WrongKey

_ENCRYPTED: Final = b"k8s:enc:"


class Provider(Transformer, Protocol):
    """A transformer whose stored values begin with `prefix` (b"" for identity)."""

    @property
    def prefix(self) -> bytes: ...


class PrefixedTransformer:
    """`providers`: as an EncryptionConfiguration lists them. What another than the first wrote is stale."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        if not providers:
            raise ValueError("at least one provider is needed")
        self._providers = tuple(providers)

    def to_storage(self, data: bytes, context: bytes) -> bytes:
        return self._providers[0].to_storage(data, context)

    def from_storage(self, stored: bytes, context: bytes) -> Opened:
        """Providers of equal prefix are tried in turn; the first one's error is raised when none opens it."""
        problem: TransformError | None = None
        for provider in self._providers:
            if not stored.startswith(provider.prefix):
                continue
            try:
                data, stale = provider.from_storage(stored, context)
            except TransformError as error:
                problem = problem or error
                continue
            return Opened(data, stale or provider is not self._providers[0])
        if problem is None and stored.startswith(_ENCRYPTED):
            raise WrongKey(f'no matching prefix found: no provider for key "{inspection.key_of(stored)}"')
        raise problem or TransformError("no matching prefix found")
