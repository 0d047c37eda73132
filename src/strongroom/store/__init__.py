"""Versioned objects over versioned bytes; knows no kind."""
