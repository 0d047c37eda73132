"""What a node streams to its clients: exec, attach and logs."""
