"""Server-side apply: who owns which field, and what an apply makes of an object.

Rules: "Server-Side Apply" of Kubernetes' documentation, KEP-555, and sigs.k8s.io/structured-merge-diff.
"""
