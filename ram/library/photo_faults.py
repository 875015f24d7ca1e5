"""Go on with the next photo where the tags of one cannot be written; stop where none could be."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ram.errors import InputError

_OF_ONE_PHOTO = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENAMETOOLONG)
"""Errors that the next photo need not have; a full disk it has."""


@contextmanager
def gathered(photo: Path, faults: list[str]) -> Iterator[None]:
    """Add to ``faults`` why the tags of a photo cannot be written.

    Raises:
        OSError: the next photo has the same error: the disk is full, for instance.
    """
    try:
        yield
    except InputError as error:
        faults.append(str(error))
    except OSError as error:
        if error.errno not in _OF_ONE_PHOTO:
            raise
        faults.append(f"the tags of {photo.name} cannot be written: {error.strerror}")
