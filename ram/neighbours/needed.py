"""Import another program's package, or say in one sentence how to get it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ram.errors import MissingPackageError


def needed(module: str) -> Any:
    """The module of another package.

    Args:
        module: its name for import, the first part of which is its name for pip.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != module.partition(".")[0]:
            raise  # something that the package itself needs
        name = module.partition(".")[0]
        raise MissingPackageError(f"this needs the package {name}: pip install {name}") from None
