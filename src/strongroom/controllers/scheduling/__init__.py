"""Which node a Pod goes to: pure rules over decoded objects."""
