"""The roof: wires everything; imported by nobody but the command line's entry and testing."""
