"""A label system: the tags a model learns, and the other words that mean them; one of 623 tags ships."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary

VOCABULARY, SYNONYMS = "vocabulary.csv", "synonyms.csv"


@dataclass(frozen=True)
class LabelSystem:
    """Tags and the words that count as them.

    Args:
        vocabulary: the tags; their order is their id.
        synonyms: other words for tags: word to tag.

    Raises:
        ValueError: a synonym means no tag of the vocabulary, or is a tag itself.
    """

    vocabulary: TagVocabulary
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word, tag in self.synonyms.items():
            if tag not in self.vocabulary:
                raise ValueError(f"synonym {word!r} stands for {tag!r}, which is no tag of the label system")
            if word in self.vocabulary:
                raise ValueError(f"{word!r} is a tag of the label system and a synonym of {tag!r}: keep one")

    def __len__(self) -> int:
        return len(self.vocabulary)

    @property
    def ids(self) -> dict[str, int]:
        """Every word that counts, in lower case, and the id of its tag."""
        words = {word.lower(): self.vocabulary.id(tag) for word, tag in self.synonyms.items()}
        return words | {tag.lower(): number for number, tag in enumerate(self.vocabulary.tags)}

    def widen(self, synonyms: Mapping[str, str]) -> LabelSystem:
        """These tags followed by those that further synonyms name, and all synonyms."""
        tags = [tag for tag in dict.fromkeys(synonyms.values()) if tag not in self.vocabulary]
        return LabelSystem(self.vocabulary.join(TagVocabulary.of(tags)), {**self.synonyms, **synonyms})

    def save(self, folder: Path) -> None:
        """Write ``vocabulary.csv`` and ``synonyms.csv`` into a folder that is there."""
        self.vocabulary.save(folder / VOCABULARY)
        with open(folder / SYNONYMS, "w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("tag", "synonym"))
            rows.writerows((tag, word) for word, tag in sorted(self.synonyms.items()))

    @classmethod
    def load(cls, folder: Path) -> LabelSystem:
        """Read what :meth:`save` wrote; without ``synonyms.csv`` every tag has one name only.

        Raises:
            ValueError: a file of the folder is missing or cannot be read.
        """
        if not (folder / VOCABULARY).is_file():
            raise ValueError(f"{str(folder)!r} holds no {VOCABULARY}: build a label system with `ram labels`")
        synonyms = load_synonyms(folder / SYNONYMS) if (folder / SYNONYMS).is_file() else {}
        return cls(TagVocabulary.load(folder / VOCABULARY), synonyms)


def shipped_system() -> LabelSystem:
    """The tags that ship with the package, most frequent first, and their synonyms."""
    return LabelSystem.load(_folder())


def shipped_vocabulary() -> TagVocabulary:
    """The tags, most frequent first, at the threshold of unseen tags; a trained model's folder has its own."""
    return TagVocabulary.load(_folder() / VOCABULARY)


def shipped_descriptions() -> TagDescriptions:
    """Visual descriptions of every shipped tag, written for this project."""
    return TagDescriptions.load(_folder() / "descriptions.json")


def shipped_synonyms() -> dict[str, str]:
    """Other words for shipped tags: word to tag."""
    return load_synonyms(_folder() / SYNONYMS)


def load_synonyms(path: Path) -> dict[str, str]:
    """Word to tag, from a file with the columns tag and synonym; ValueError says what is wrong with it."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"tag", "synonym"} <= set(rows.fieldnames or ()):
                raise ValueError(f"{path.name} needs the columns tag and synonym")
            synonyms: dict[str, str] = {}
            for row in rows:
                word, tag = row["synonym"] or "", row["tag"] or ""
                if synonyms.setdefault(word, tag) != tag:
                    raise ValueError(f"{path.name} gives {word!r} to {synonyms[word]!r} and to {tag!r}: keep one")
            return synonyms
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} cannot be read as comma-separated UTF-8 text: {error}") from None


def _folder() -> Path:
    return Path(str(resources.files("ram"))) / "labels" / "lite"
