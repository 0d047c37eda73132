"""Runs the Pods of Jobs to their end, and counts each of them once."""
