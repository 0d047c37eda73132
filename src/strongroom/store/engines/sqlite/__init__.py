"""The Engine on SQLite: one file, one owner, durable, with group commit."""

from strongroom.store.engines.sqlite.engine import SQLiteEngine

__all__ = ["SQLiteEngine"]
