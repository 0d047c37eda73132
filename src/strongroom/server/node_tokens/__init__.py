"""Tokens between this server and its nodes: what a node proves itself with, and what it takes from us."""
