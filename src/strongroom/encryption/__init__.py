"""Encryption at rest, reviewable alone."""
