"""`strongroom access secret`: everyone who can obtain a Secret's value, and by which way."""
