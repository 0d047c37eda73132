"""Controllers and scheduler: API users like anyone."""
