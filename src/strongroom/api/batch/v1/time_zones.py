"""Time zones by the names that this machine knows them by."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def find(name: str | None) -> tzinfo | None:
    """The zone; UTC without a name, None when there is no such zone."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; odd names are ValueErrors
        return None
    except KeyError:
        return None
