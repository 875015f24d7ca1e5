"""Keep a file that was not uploaded, such as a photo of an archive, among the uploads."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from ram.runtime import atomic_write


def keep_file(content: bytes, name: str, folder: Path) -> Path:
    """Write a file among the uploads, in a folder named by the SHA-256 of its bytes.

    Args:
        content: of the file.
        name: its last part of a path, as it comes from elsewhere; what a file name cannot have is replaced.
        folder: of uploads.
    """
    safe = re.sub(r"[\\/\x00-\x1f\x7f]", "_", name)[-80:].lstrip(".") or "photo"
    path = folder / sha256(content).hexdigest() / safe
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path
