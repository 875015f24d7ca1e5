"""Results of a photo library: the photos that a search found, and the counts of a run that adds photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FoundPhoto:
    """A photo of a library.

    Args:
        path: of its file.
        score: what it is ordered by: a probability, for a sentence a logit with what else speaks for the photo, for a
            photo a cosine.
        row: of it in the library.
    """

    path: Path
    score: float
    row: int = -1


@dataclass(frozen=True)
class Added:
    """Counts of one update of a library, with the photos that failed.

    Args:
        photos: number of new or changed photos.
        gone: number of photos that were removed from the library because their files are gone.
        faults: photos that cannot be read, each with the reason.
    """

    photos: int
    gone: int
    faults: tuple[tuple[Path, str], ...]
