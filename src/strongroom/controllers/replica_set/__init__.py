"""Keeps the number of Pods that a ReplicaSet wants."""
