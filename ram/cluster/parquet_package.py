"""PyArrow, which reads and writes Parquet, or one sentence where it is missing."""

from __future__ import annotations

import importlib
from typing import Any

from ram.errors import MissingPackageError


def parquet_package(part: str = "") -> Any:
    """Return ``pyarrow``, or a part of it such as "parquet".

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        return importlib.import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ImportError:
        raise MissingPackageError("Parquet files need PyArrow: pip install -e '.[parquet]'") from None
