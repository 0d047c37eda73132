"""The Container Runtime Interface: how the agent speaks to containerd."""
