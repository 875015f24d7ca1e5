"""Image-tag-text triplets, from files in the official form or from other sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ram.errors import InputError
from ram.text.files import listed_path, read_json
from ram.training.data.shards import ShardPicture
from ram.training.data.sparse_tags import TagRows

Parsed = tuple[tuple[tuple[int, ...], ...], ...]
"""Tag ids of each caption of each image."""


@dataclass(frozen=True)
class Source:
    """The images of one file, one set of shards or one folder.

    Args:
        name: name to use in messages.
        pictures: (images,) paths.
        captions: (images,) captions of each; may be empty.
        tags: (images,) tag ids of each.
        skipped: missing and broken images, with the reason.
        complete: a tag that the source uses is absent from an image that lacks it; else it is unknown.
        parsed: (images,) tag ids of each caption, or none of an image where they are not known; empty for none at all.
    """

    name: str
    pictures: tuple[Path | ShardPicture, ...]
    captions: tuple[tuple[str, ...], ...]
    tags: tuple[tuple[int, ...], ...]
    skipped: tuple[str, ...] = ()
    complete: bool = True
    parsed: Parsed = ()

    def __post_init__(self) -> None:
        if not len(self.pictures) == len(self.captions) == len(self.tags):
            raise ValueError(f"{self.name} has not as many captions and tags as pictures")
        if not self.parsed:
            object.__setattr__(self, "parsed", ((),) * len(self.pictures))

    def without(self, faults: Sequence[str | None]) -> Source:
        """Return the images without a fault; the others are listed in ``skipped``."""
        sound = [i for i, fault in enumerate(faults) if fault is None]
        skipped = [f"{picture}: {fault}" for picture, fault in zip(self.pictures, faults, strict=True) if fault]
        return Source(
            self.name,
            tuple(self.pictures[i] for i in sound),
            tuple(self.captions[i] for i in sound),
            tuple(self.tags[i] for i in sound),
            (*self.skipped, *skipped),
            self.complete,
            tuple(self.parsed[i] for i in sound),
        )


@dataclass(frozen=True, eq=False)
class Triplets:
    """Images with their captions and tags.

    Args:
        pictures: (images,) paths.
        captions: (images,) captions of each; may be empty.
        targets: (images, tags) True where a tag belongs to the image.
        known: (images, tags) False where it is unknown whether the tag is present: such entries have no loss. A tag
            that a source never uses is unknown for its images, so that data sets with different tags mix.
        skipped: missing and broken images, with the reason.
        parsed: (images,) tag ids of each caption; none of an image where they are not known.
    """

    pictures: tuple[Path | ShardPicture, ...]
    captions: tuple[tuple[str, ...], ...]
    targets: TagRows | torch.Tensor
    known: TagRows | torch.Tensor
    skipped: tuple[str, ...] = ()
    parsed: Parsed = ()

    @classmethod
    def of(cls, sources: Sequence[Source], tags: int) -> Triplets:
        """Join the sources in their order.

        Raises:
            InputError: no image is left.
        """
        pictures = tuple(picture for source in sources for picture in source.pictures)
        skipped = tuple(line for source in sources for line in source.skipped)
        if not pictures:
            why = f" ({skipped[0]})" if skipped else ""
            raise InputError(f"no picture of {', '.join(source.name for source in sources)} is found{why}")
        captions = tuple(texts for source in sources for texts in source.captions)
        targets = TagRows.of([ids for source in sources for ids in source.tags], tags)
        parsed = tuple(ids for source in sources for ids in source.parsed)
        return cls(pictures, captions, targets, targets.used(_groups(sources)), skipped, parsed)

    def __len__(self) -> int:
        return len(self.pictures)

    def hold_out(self, share: float, seed: int) -> tuple[Triplets, Triplets]:
        """Hold out a fraction of the images, at least one and not all.

        They are chosen by their names and the seed, so that an image stays on its side when others come or go.

        Returns:
            The remaining images, and those held out.

        Raises:
            InputError: there are fewer than two images, or none of those held out has a tag.
        """
        if len(self) < 2:
            raise InputError("there is 1 picture: at least 2 are needed to hold some out (data.dev_share)")
        names = [f"{seed}/{picture.parent.name}/{picture.name}" for picture in self.pictures]
        order = sorted(range(len(self)), key=lambda i: hashlib.sha256(names[i].encode()).digest())
        count = min(max(1, round(share * len(self))), len(self) - 1)
        rest, held_out = self._select(order[count:]), self._select(order[:count])
        if not bool(held_out.targets[:].any()):
            raise InputError(f"none of {count} held-out pictures has a tag: raise data.dev_share or label more")
        return rest, held_out

    def _select(self, positions: Iterable[int]) -> Triplets:
        ids = torch.tensor(sorted(positions))
        assert isinstance(self.targets, TagRows) and isinstance(self.known, TagRows), "as `of` made them"
        targets = self.targets.select(ids)
        return Triplets(
            tuple(self.pictures[i] for i in ids.tolist()),
            tuple(self.captions[i] for i in ids.tolist()),
            targets,
            targets.used(self.known.row[ids]),  # the rows of ``known`` are the sources
            parsed=tuple(self.parsed[i] for i in ids.tolist()) if self.parsed else (),
        )


def _groups(sources: Sequence[Source]) -> torch.Tensor:
    """Return (n,) groups that share what is known: a complete source is one, any other is one per image."""
    groups: list[int] = []
    for source in sources:
        first = groups[-1] + 1 if groups else 0
        count = len(source.pictures)
        groups += [first] * count if source.complete else range(first, first + count)
    return torch.tensor(groups)


def read_triplets(file: Path, folder: Path, tags: int) -> Source:
    """Read one file of triplets (``image_path``, ``caption``, ``union_label_id``) with paths relative to ``folder``.

    Raises:
        InputError: it is not in the official form, or an id is out of range.
    """
    pictures, captions, ids, parsed = [], [], [], []
    for number, entry in enumerate(_entries(file), 1):
        try:
            picture, texts, tag_ids = fields(entry, tags)
            parsed.append(_parsed(entry, len(texts), tags))
        except ValueError as error:
            raise InputError(f"entry {number} of {file.name} {error}: make it again with `ram parse`") from None
        pictures.append(listed_path(folder, picture))
        captions.append(tuple(texts))
        ids.append(tuple(tag_ids))
    return Source(file.name, tuple(pictures), tuple(captions), tuple(ids), parsed=tuple(parsed))


def fields(entry: Any, tags: int) -> tuple[str, list[str], list[int]]:
    """Return image, captions and tag ids of one triplet.

    Raises:
        InputError: it has another form; the message continues after the name of the entry.
    """
    values = entry if isinstance(entry, dict) else {}
    picture, ids = values.get("image_path"), values.get("union_label_id", ())
    texts = values.get("caption", [])
    if not (isinstance(picture, str) and _are(str, texts) and _are(int, ids)):
        raise InputError('is not {"image_path": "1.jpg", "caption": ["...", ...], "union_label_id": [0, ...]}')
    if outside := [id_ for id_ in ids if not 0 <= id_ < tags]:
        raise InputError(f"has the tag id {outside[0]}, but the vocabulary has {tags} tags")
    return picture, texts, ids


def _parsed(entry: Any, captions: int, tags: int) -> tuple[tuple[int, ...], ...]:
    """Return the tag ids of each caption of a triplet; none where they are not listed for every caption."""
    rows = entry.get("parse_label_id")
    if not (captions and isinstance(rows, list) and len(rows) == captions):
        return ()
    if not all(_are(int, row) for row in rows):
        raise InputError("has a parse_label_id that is no list of tag ids for each caption")
    if outside := [id_ for row in rows for id_ in row if not 0 <= id_ < tags]:
        raise InputError(f"has the tag id {outside[0]} in parse_label_id, but the vocabulary has {tags} tags")
    return tuple(tuple(row) for row in rows)


def _are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _entries(file: Path) -> list[Any]:
    if not file.is_file():
        raise InputError(f"there is no triplet file {file.name}: make it with `ram parse`")
    entries = read_json(file)
    if not isinstance(entries, list):
        raise InputError(f"{file.name} is not a list of triplets: make it again with `ram parse`")
    return entries
