"""containerd's own side: starting it, adopting it, its events and its tasks."""
