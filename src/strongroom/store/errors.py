"""What an engine answers when it cannot do as asked."""


class StoreError(Exception):
    """Family of all errors of the store. No message holds a stored value."""


class KeyExists(StoreError):
    """Create of a key that is there. Nothing was written."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key exists: {key}")
        self.key = key


class RevisionConflict(StoreError):
    """The key's revision is not the expected one. `actual`: 0 when the key is absent. Nothing was written."""

    def __init__(self, key: str, expected: int, actual: int) -> None:
        super().__init__(f"revision conflict on {key}: expected {expected}, is {actual}")
        self.key = key
        self.expected = expected
        self.actual = actual


class Compacted(StoreError):
    """The asked revision is older than the history kept. `oldest` is the oldest that can be asked for."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} is compacted, the oldest is {oldest}")
        self.revision = revision
        self.oldest = oldest


class FutureRevision(StoreError):
    """The asked revision is not reached yet."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} is in the future, the current one is {current}")
        self.revision = revision
        self.current = current


class Unavailable(StoreError):
    """The engine can't serve now (disk full, closed, no quorum). A write answered so was not acknowledged."""


class TooLarge(StoreError):
    """The engine takes no value of this size. `str()` is what an API answers, as upstream does."""


class Corrupt(StoreError):
    """What is stored can't be read: names the file or key and what to do."""


class Unreadable(StoreError):
    """The value under `key` does not open or is not an object; `reason` says why, never what it holds.

    Other keys are not concerned. `reason` is what an API answers as its internal error."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason
