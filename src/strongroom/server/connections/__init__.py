"""Connections that nobody uses are cut off, so that they can't take the place of others."""
