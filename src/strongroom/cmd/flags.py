"""What all flags have in common."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PATH: Any = click.Path(path_type=Path)


def flag(name: str, *more: str, **settings_of_it: Any) -> Callable[[Any], Any]:
    """An option that can also be given as STRONGROOM_<FLAG> in the environment."""
    variable = "STRONGROOM_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *more, envvar=variable, **settings_of_it)
