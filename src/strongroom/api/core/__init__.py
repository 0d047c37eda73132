"""Group "" of the API."""
