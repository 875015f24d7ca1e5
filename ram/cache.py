"""The folder where things that were fetched or computed are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``ram`` in the user's cache folder, as ``XDG_CACHE_HOME`` names it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ram"
