"""Training triplets and their label system, as ``ram generate`` and ``ram clean`` read them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ram.errors import InputError
from ram.text.files import read_json, read_lines

if TYPE_CHECKING:
    from ram.text.vocabulary import TagVocabulary


def add_triplet_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("triplets", type=Path, metavar="TRIPLETS.json", help="triplets, as `ram parse` writes them")
    parser.add_argument(
        "--pictures", type=Path, default=Path(), metavar="FOLDER", help="base folder of the picture paths (.)"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="label system of the triplets' ids: one tag per line, or a vocabulary.csv (the shipped one)",
    )


def read_labels(path: Path | None) -> TagVocabulary:
    """Read a label system: one tag per line, or a vocabulary; the shipped one where None."""
    from ram.labels.label_system import shipped_vocabulary
    from ram.text.vocabulary import TagVocabulary

    if path is None:
        return shipped_vocabulary()
    return TagVocabulary.load(path) if path.suffix.lower() == ".csv" else TagVocabulary.of(read_lines(path))


def read_triplets(path: Path, tags: int) -> list[dict[str, Any]]:
    """Read entries in the official form; InputError names the first invalid one."""
    entries = read_json(path)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path.name} is not a list of triplets: make it with `ram parse`")
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        parsed = fields.get("parse_label_id", [])
        lists = [fields.get("union_label_id"), *(parsed if isinstance(parsed, list) else [None])]
        if not isinstance(fields.get("image_path"), str) or not all(_are_ids(ids, tags) for ids in lists):
            raise InputError(
                f'entry {number} of {path.name} is not {{"image_path": "1.jpg", "union_label_id": [...]}} with ids of '
                f"the {tags} tags: name its label system with --labels"
            )
    return entries


def _are_ids(value: Any, tags: int) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < tags for item in value)
