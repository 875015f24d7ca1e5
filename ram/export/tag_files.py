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
        dry: find out what would be written, and write nothing.

    Attributes:
        written: how many files were written, or would be.
        kept: how many that exist were left as they are.
    """

    def __init__(self, existing: Existing, listed: bool = False, dry: bool = False) -> None:
        self._existing = existing
        self._listed = listed
        self._dry = dry
        self._images: dict[Path, str] = {}
        self.written, self.kept = 0, 0

    def holds(self, image: Path, model: str) -> bool:
        """Whether the image has a file that is kept as it is, of whichever model."""
        return self._existing == "keep" and text_file(image).exists()

    def add(self, image: Path, record: Record) -> tuple[Path, tuple[str, ...]]:
        """Write the file of one image.

        Returns:
            The file, and the tags that it gets.

        Raises:
            InputError: another image has the same text file, or one that exists cannot be read.
            OSError: it cannot be written.
        """
        path = text_file(image)
        if path == image:
            raise InputError(f"{image.name} is a picture: rename it, so that its tags can be in a .txt")
        if (other := self._images.setdefault(path, image.name)) != image.name:
            raise InputError(f"{other} and {image.name} would have the same {path.name}: rename one of them")
        tags = list(record_tags(record, self._listed).values())
        before = ""
        if path.exists() and self._existing != "replace":
            before = read_text(path).strip() if self._existing == "add" else ""
            known = {tag.strip().casefold() for tag in before.split(",")}
            tags = [tag for tag in tags if tag.casefold() not in known]
            if self._existing == "keep" or not tags:
                self.kept += 1
                return path, ()
        self.written += 1
        if self._dry:
            return path, tuple(tags)
        with atomic_write(path) as partial:
            partial.write_text(", ".join(filter(None, [before, *tags])) + "\n", encoding="utf-8")
        return path, tuple(tags)


def record_tags(record: Record, listed: bool = False) -> dict[str, str]:
    """The tags of a record over their thresholds, or all listed ones, each with its name in the record's language."""
    present = set(record["tags"])
    return {
        score["tag"]: score.get("translation") or score["tag"]
        for score in record["scores"]
        if listed or score["tag"] in present
    }


def text_file(image: Path) -> Path:
    """Where the tags of an image are."""
    return image.with_suffix(".txt")
