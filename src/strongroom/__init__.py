"""Kubernetes Secrets, end to end: API server, encrypted store, controllers and node agent."""

__version__ = "0.1.0"
