"""core/v1."""
