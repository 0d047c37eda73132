"""One module per engine; they see bytes and know neither encryption nor each other."""
