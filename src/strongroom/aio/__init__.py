"""An asyncio kit with no domain words."""
