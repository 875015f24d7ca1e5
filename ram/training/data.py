"""Training data: image-tag-text triplets in the official form."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ram.image import PictureError, check_picture

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Triplets:
    """Pictures with their captions and tags.

    Args:
        pictures: (n,) paths.
        captions: (n,) captions of each; may be empty.
        targets: (n, tags) True where a tag belongs to the picture.
        known: (n, tags) False where a data set never says whether the tag is there: such entries are not learnt from.
        skipped: pictures that are missing or broken, with the reason.
    """

    pictures: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]
    targets: torch.Tensor
    known: torch.Tensor
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)


def load_triplets(files: Sequence[Path], folders: Sequence[Path], tags: int) -> Triplets:
    """Read triplet files (``image_path``, ``caption``, ``union_label_id``), each with the folder of its pictures.

    A tag that a file never uses counts as unknown for its pictures, so that data sets with different words mix.
    Pictures that are missing or broken are listed in ``skipped`` and left out.

    Raises:
        ValueError: a file is not in the official form, an id is out of range, or no picture is left.
    """
    pictures: list[Path] = []
    captions: list[tuple[str, ...]] = []
    targets: list[torch.Tensor] = []
    known: list[torch.Tensor] = []
    skipped: list[str] = []
    for file, root in zip(files, folders, strict=True):
        rows, uses = [], torch.zeros(tags, dtype=torch.bool)
        for number, entry in enumerate(_entries(file), 1):
            try:
                picture, texts, ids = _fields(entry, tags)
            except ValueError as error:
                raise ValueError(f"entry {number} of {file.name} {error}: make it again with `ram parse`") from None
            try:
                check_picture(root / picture)
            except PictureError as error:
                skipped.append(str(error))
                continue
            pictures.append(root / picture)
            captions.append(tuple(texts))
            row = torch.zeros(tags, dtype=torch.bool)
            row[torch.tensor(ids, dtype=torch.long)] = True
            rows.append(row)
            uses |= row
        targets += rows
        known += [uses] * len(rows)
    if skipped:
        _log.warning("%d pictures are skipped, first: %s", len(skipped), skipped[0])
    if not pictures:
        raise ValueError(f"no picture of {', '.join(f.name for f in files)} is found")
    return Triplets(tuple(pictures), tuple(captions), torch.stack(targets), torch.stack(known), tuple(skipped))


def _fields(entry: Any, tags: int) -> tuple[str, list[str], list[int]]:
    fields = entry if isinstance(entry, dict) else {}
    picture, ids = fields.get("image_path"), fields.get("union_label_id", ())
    texts = fields.get("caption", [])
    if not (isinstance(picture, str) and _are(str, texts) and _are(int, ids)):
        raise ValueError('is not {"image_path": "1.jpg", "caption": ["...", ...], "union_label_id": [0, ...]}')
    if outside := [id_ for id_ in ids if not 0 <= id_ < tags]:
        raise ValueError(f"has the tag id {outside[0]}, but the vocabulary has {tags} tags")
    return picture, texts, ids


def _are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _entries(file: Path) -> list[Any]:
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no triplet file {file.name}: make it with `ram parse`") from None
    except ValueError as error:
        raise ValueError(f"{file.name} is not JSON ({error}): make it again with `ram parse`") from None
    if not isinstance(entries, list):
        raise ValueError(f"{file.name} is not a list of triplets: make it again with `ram parse`")
    return entries
