"""The kinds: one file holds a kind's defaults, validation, strategy and table columns."""
