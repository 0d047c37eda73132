"""Which version of a Secret is where."""
