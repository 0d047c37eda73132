"""The HTTP front of the API."""
