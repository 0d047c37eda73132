"""Figures over the Kubernetes API alone, so that any two clusters can be held against each other."""
