"""The group `delivery.strongroom.dev`: ours, not Kubernetes'."""
