"""The reviewed lists behind a label system: what no count tells, chosen by people."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from ram.describers.lexicon.synsets import Lexicon
from ram.labels.label_system import LabelSystem, load_synonyms, shipped_system


@dataclass(frozen=True)
class WordLists:
    """What people reviewed.

    Args:
        stop: words that name nothing to see, and the reason.
        scenes: words that name a place or a setting.
        system: tags and synonyms: those that are in the captions become the same in a new system.
        book: the lexicon.
    """

    stop: Mapping[str, str]
    scenes: Collection[str]
    system: LabelSystem
    book: Lexicon

    @cached_property
    def reviewed(self) -> Collection[str]:
        """Words that a person gave a meaning."""
        return {*self.system.vocabulary.tags, *self.system.synonyms}


def shipped_word_lists() -> WordLists:
    """The lists of the package: those of the shipped label system, widened for captions of other pictures.

    Raises:
        DescriberError: the lexicon's source, timm, is not installed.
    """
    folder = Path(str(resources.files("ram"))) / "labels"
    with open(folder / "stop_list.csv", encoding="utf-8", newline="") as file:
        stop = {row["word"]: row["reason"] for row in csv.DictReader(file)}
    scenes = (folder / "scenes.txt").read_text(encoding="utf-8").split("\n")
    system = shipped_system().widen(load_synonyms(folder / "synonyms.csv"))
    return WordLists(stop, frozenset(filter(None, scenes)), system, Lexicon.installed())
