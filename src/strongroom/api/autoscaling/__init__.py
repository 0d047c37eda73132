"""The group `autoscaling`."""
