"""Fakes, contract suites and whole systems in a fixture, for our tests and for those who build on us."""
