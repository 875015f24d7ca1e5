"""Word lists behind a label system that people reviewed: stop words, scenes, tags and synonyms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from ram.describers.lexicon.synsets import Lexicon
from ram.labels.label_system import LabelSystem, load_synonyms, shipped_system
from ram.text.files import package_file, read_lines, read_table


@dataclass(frozen=True)
class ReviewedLists:
    """Lists that decide what counting words cannot.

    Args:
        stop: words that name nothing visible, with the reason.
        scenes: words that name a place or a setting.
        system: tags and synonyms; those that occur in the captions are kept in a new system.
        lexicon: synsets of words.
    """

    stop: Mapping[str, str]
    scenes: Collection[str]
    system: LabelSystem
    lexicon: Lexicon

    @cached_property
    def words(self) -> Collection[str]:
        """Every reviewed tag and synonym."""
        return {*self.system.vocabulary.tags, *self.system.synonyms}


def shipped_lists() -> ReviewedLists:
    """The lists of the package: those of the shipped label system, extended for captions of other images.

    Raises:
        DescriberError: the lexicon's source, timm, is not installed.
    """
    rows = read_table(package_file("labels/stop_list.csv"), ("word", "reason"))
    stop = {row["word"]: row["reason"] for _, row in rows}
    scenes = frozenset(read_lines(package_file("labels/scenes.txt")))
    system = shipped_system().extend(load_synonyms(package_file("labels/synonyms.csv")))
    return ReviewedLists(stop, scenes, system, Lexicon.installed())
