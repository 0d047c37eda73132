"""Services: one address, or one name, for a set of Pods."""
