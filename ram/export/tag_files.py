"""A text file of tags beside each image, as trainers of image generators read them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ram.errors import InputError
from ram.export.formats import Record
from ram.runtime import atomic_write
from ram.text.files import read_text

Existing = Literal["keep", "add", "replace"]
"""Treatment of a text file that exists: keep it, add the tags that it lacks, or replace it."""
EXISTING: tuple[Existing, ...] = get_args(Existing)


class TagFiles:
    """Writes ``cat.txt`` beside ``cat.jpg``: one line of tags, the most probable first, separated by commas.

    Args:
        existing: what happens to a file that exists; "add" leaves its text as it is and appends to it.
        listed: write all listed tags, instead of those over their thresholds.

    Attributes:
        written: how many files were written.
        kept: how many that exist were left as they are.
    """

    def __init__(self, existing: Existing, listed: bool = False) -> None:
        self._existing = existing
        self._listed = listed
        self._images: dict[Path, str] = {}
        self.written, self.kept = 0, 0

    def add(self, image: Path, record: Record) -> None:
        """Write the file of one image.

        Raises:
            InputError: another image has the same text file, or one that exists cannot be read.
            OSError: it cannot be written.
        """
        path = text_file(image)
        if path == image:
            raise InputError(f"{image.name} is a picture: rename it, so that its tags can be in a .txt")
        if (other := self._images.setdefault(path, image.name)) != image.name:
            raise InputError(f"{other} and {image.name} would have the same {path.name}: rename one of them")
        tags = [
            score.get("translation") or score["tag"]
            for score in record["scores"]
            if self._listed or score["tag"] in record["tags"]
        ]
        before = ""
        if path.exists() and self._existing != "replace":
            before = read_text(path).strip() if self._existing == "add" else ""
            known = {tag.strip().casefold() for tag in before.split(",")}
            tags = [tag for tag in tags if tag.casefold() not in known]
            if self._existing == "keep" or not tags:
                self.kept += 1
                return
        with atomic_write(path) as partial:
            partial.write_text(", ".join(filter(None, [before, *tags])) + "\n", encoding="utf-8")
        self.written += 1


def text_file(image: Path) -> Path:
    """Where the tags of an image are."""
    return image.with_suffix(".txt")
