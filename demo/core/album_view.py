"""The choices of a visitor for an album: thresholds, thumbs and the page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from demo.core.album import Thumbs
from demo.core.album_thresholds import Thresholds


@dataclass(frozen=True)
class AlbumView:
    """Everything that is chosen for an album, apart from the filter.

    Args:
        thresholds: over which tags show.
        thumbs: which tags are right or wrong, whatever the thresholds say.
        page: of the photos, from 0.
    """

    thresholds: Thresholds = Thresholds()
    thumbs: Thumbs = field(default_factory=dict)
    page: int = 0

    def with_thumb(self, photo: int, tag: str, right: bool | None) -> AlbumView:
        """Mark a tag of a photo as right or wrong, or take the thumb back where None."""
        others = {key: one for key, one in self.thumbs.items() if key != (photo, tag)}
        return replace(self, thumbs=others if right is None else {**others, (photo, tag): right})
