"""Pods as sandboxes and containers of the runtime."""
