"""The one way into the API."""
