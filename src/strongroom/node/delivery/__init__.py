"""Delivery receipts: what the node tells of the Secrets that its containers hold."""
