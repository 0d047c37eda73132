"""The grammar of the Kubernetes API: pure functions and types, no I/O."""
