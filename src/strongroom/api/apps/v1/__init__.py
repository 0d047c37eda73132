"""Kinds of `apps/v1`: workloads made of equal Pods."""
