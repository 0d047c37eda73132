"""The group `batch`."""
