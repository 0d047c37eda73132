"""Which objects go because those that own them go: pure rules over metadata."""
