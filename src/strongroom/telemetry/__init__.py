"""Logs: what the parts say about themselves, without what they keep."""
