"""The group `apps`."""
