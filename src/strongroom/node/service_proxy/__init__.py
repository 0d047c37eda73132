"""Cluster IPs of Services on this node: nftables rules, and a relay to an API that listens on loopback."""
