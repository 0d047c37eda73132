"""Tokens of service accounts: the keys, what a token says, and who asks for one."""
