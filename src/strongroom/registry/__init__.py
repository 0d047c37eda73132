"""What a resource does: Strategy over store."""
