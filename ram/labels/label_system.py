"""Label system: the tags that a model learns, and the synonyms that count as them. One of 623 tags is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ram.errors import InputError
from ram.text.descriptions import TagDescriptions
from ram.text.files import package_file, read_table, write_table
from ram.text.vocabulary import TagVocabulary

VOCABULARY, SYNONYMS = "vocabulary.csv", "synonyms.csv"


@dataclass(frozen=True)
class LabelSystem:
    """Tags and the words that count as them.

    Args:
        vocabulary: the tags; a tag's index is its id.
        synonyms: other words for tags: word to tag.

    Raises:
        InputError: a synonym points to no tag of the vocabulary, or is a tag itself.
    """

    vocabulary: TagVocabulary
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word, tag in self.synonyms.items():
            if tag not in self.vocabulary:
                raise InputError(f"synonym {word!r} stands for {tag!r}, which is no tag of the label system")
            if word in self.vocabulary:
                raise InputError(f"{word!r} is a tag of the label system and a synonym of {tag!r}: keep one")

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def ids(self) -> dict[str, int]:
        """Every tag and synonym in lower case, and the id of its tag."""
        words = {word.lower(): self.vocabulary.id(tag) for word, tag in self.synonyms.items()}
        return words | {tag.lower(): index for index, tag in enumerate(self.vocabulary.tags)}

    def extend(self, synonyms: Mapping[str, str]) -> LabelSystem:
        """Add synonyms, and the tags that they point to after the present ones."""
        tags = [tag for tag in dict.fromkeys(synonyms.values()) if tag not in self.vocabulary]
        return LabelSystem(self.vocabulary.join(TagVocabulary.of(tags)), {**self.synonyms, **synonyms})

    def save(self, folder: Path) -> None:
        """Write ``vocabulary.csv`` and ``synonyms.csv`` into an existing folder, each atomically."""
        self.vocabulary.save(folder / VOCABULARY)
        rows = ((tag, word) for word, tag in sorted(self.synonyms.items()))
        write_table(folder / SYNONYMS, ("tag", "synonym"), rows)

    @classmethod
    def load(cls, folder: Path) -> LabelSystem:
        """Read what :meth:`save` wrote; ``synonyms.csv`` may be missing.

        Raises:
            InputError: there is no ``vocabulary.csv``, or a file cannot be read.
        """
        if not (folder / VOCABULARY).is_file():
            raise InputError(f"{str(folder)!r} holds no {VOCABULARY}: build a label system with `ram labels`")
        synonyms = load_synonyms(folder / SYNONYMS) if (folder / SYNONYMS).is_file() else {}
        return cls(TagVocabulary.load(folder / VOCABULARY), synonyms)


def shipped_system() -> LabelSystem:
    """The tags that ship with the package, most frequent first, with their synonyms."""
    return LabelSystem.load(package_file("labels/lite"))


def shipped_vocabulary() -> TagVocabulary:
    """The shipped tags with the threshold of unseen tags; a trained model's folder has thresholds of its own."""
    return TagVocabulary.load(package_file("labels/lite") / VOCABULARY)


def shipped_descriptions() -> TagDescriptions:
    """Visual descriptions of the shipped tags, written for this project."""
    return TagDescriptions.load(package_file("labels/lite/descriptions.json"))


def shipped_synonyms() -> dict[str, str]:
    """Other words for the shipped tags: word to tag."""
    return load_synonyms(package_file("labels/lite") / SYNONYMS)


def load_synonyms(path: Path) -> dict[str, str]:
    """Read word to tag from a table with the columns tag and synonym.

    Raises:
        InputError: the file cannot be read, lacks a column, or gives a word to two tags.
    """
    synonyms: dict[str, str] = {}
    for line, row in read_table(path, ("tag", "synonym")):
        word, tag = row["synonym"], row["tag"]
        if synonyms.setdefault(word, tag) != tag:
            raise InputError(
                f"{path.name} line {line} gives {word!r} to {tag!r}, a line before to {synonyms[word]!r}: keep one"
            )
    return synonyms
