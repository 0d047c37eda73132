"""One file per verb: from a request to the registry, and its answer back."""
