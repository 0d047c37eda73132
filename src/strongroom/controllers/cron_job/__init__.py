"""Makes Jobs when it is time for them, and removes those that are long over."""
