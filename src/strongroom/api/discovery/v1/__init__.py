"""Kinds of `discovery.k8s.io/v1`: where the Pods of a Service are."""
