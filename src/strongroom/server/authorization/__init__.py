"""Whether a user may do what is asked."""
