"""The shipped label system: 623 tags over objects, scenes, attributes and actions, with synonyms and descriptions."""

from __future__ import annotations

import csv
from importlib import resources
from pathlib import Path

from ram.descriptions import TagDescriptions
from ram.vocabulary import TagVocabulary


def shipped_vocabulary() -> TagVocabulary:
    """The tags, most frequent first, at the threshold of unseen tags; a trained model's folder has its own."""
    return TagVocabulary.load(_folder() / "vocabulary.csv")


def shipped_descriptions() -> TagDescriptions:
    """Visual descriptions of every shipped tag, written for this project."""
    return TagDescriptions.load(_folder() / "descriptions.json")


def shipped_synonyms() -> dict[str, str]:
    """Other words for shipped tags: word to tag."""
    with open(_folder() / "synonyms.csv", encoding="utf-8", newline="") as file:
        return {row["synonym"]: row["tag"] for row in csv.DictReader(file)}


def _folder() -> Path:
    return Path(str(resources.files("ram"))) / "labels" / "lite"
