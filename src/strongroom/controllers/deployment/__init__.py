"""Gets a Deployment from one version of its Pods to the next: one ReplicaSet grows, the others shrink."""
