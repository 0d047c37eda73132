"""People as users: ID tokens of OpenID Connect issuers."""
