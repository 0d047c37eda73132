"""Checks and changes of objects on their way into the store that need more than the object."""
