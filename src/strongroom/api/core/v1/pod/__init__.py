"""Pod: containers that run together on one node."""
