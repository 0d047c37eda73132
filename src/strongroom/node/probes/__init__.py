"""Probes: whether a container has started, is alive, and is ready."""
