"""The agent of one machine, in the kubelet's words."""
