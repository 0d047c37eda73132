"""What tests of the program's commands leave behind."""

import logging
from collections.abc import Iterator

import pytest


def _loggers() -> list[logging.Logger]:
    named = list(logging.getLogger().manager.loggerDict.values())
    return [logging.getLogger(), *(each for each in named if isinstance(each, logging.Logger))]


@pytest.fixture(autouse=True)
def levels_as_they_were() -> Iterator[None]:
    """A command configures the logging of its process, which here is that of all tests."""
    levels = {logger.name: logger.level for logger in _loggers()}
    yield
    for logger in _loggers():
        logger.setLevel(levels.get(logger.name, logging.NOTSET))
