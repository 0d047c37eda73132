"""Gives workloads that opted in new Pods when a Secret changes that their Pods read only when they start."""
