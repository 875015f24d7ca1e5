"""Folders that tests read from."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
SHARED = Path(os.environ.get("RAM_SHARED") or ROOT.parent / "shared")
"""Reference data that is not part of the repository; tests that need it are skipped where it is absent."""
