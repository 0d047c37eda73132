"""Kinds of `delivery.strongroom.dev/v1`."""
