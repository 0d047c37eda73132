"""What all tests share."""

from hypothesis import settings

# How long an example takes is the machine's business: pytest's own limit holds for the whole test.
settings.register_profile("strongroom", deadline=None, print_blob=True)
settings.load_profile("strongroom")
