"""Commands that are users of the API like anyone: what they show, their caller may read."""
