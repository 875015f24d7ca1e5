"""Cases for :mod:`benchmarks.steering`: photos with a true tag that their caption leaves out, and a false one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ram.labels.hypernyms import load_kinds
from ram.labels.label_system import load_synonyms, shipped_synonyms
from ram.labels.parallel import parse_captions
from ram.text.files import package_file
from ram.text.vocabulary import TagVocabulary

EVERYDAY = package_file("labels/everyday")

Names = Callable[[Sequence[str]], list[set[str]]]
"""Lemmas that each of several captions names, in lower case."""


@dataclass(frozen=True)
class Case:
    """A photo with a tag that its caption leaves out and one that is wrong.

    Args:
        photo: index.
        true, false: the tags.
        found: tags that the model finds.
    """

    photo: int
    true: str
    false: str
    found: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """Which words stand for a tag.

    Args:
        tags: of the vocabulary, in lower case.
        synonyms: other words: word to tag, in lower case.
        above: tags that each tag implies.
    """

    tags: frozenset[str]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert not self.tags & set(self.synonyms)

    def tags_in(self, names: set[str]) -> set[str]:
        """Tags that are named, by lemma or synonym."""
        return {self.synonyms.get(name, name) for name in names} & self.tags

    def are_related(self, one: str, other: str) -> bool:
        """Whether two tags are one, or one implies the other."""
        return one == other or other in self.above.get(one, ()) or one in self.above.get(other, ())

    @classmethod
    def of(cls, vocabulary: TagVocabulary) -> Words:
        """Words for the tags of a vocabulary, with our synonyms and hypernyms; numbered names are left out."""
        tags = frozenset(tag.lower() for tag in vocabulary.tags if "(" not in tag)
        synonyms = {**load_synonyms(EVERYDAY / "synonyms.csv"), **shipped_synonyms()}
        used = {word.lower(): tag.lower() for word, tag in synonyms.items() if tag.lower() in tags}
        above = load_kinds(EVERYDAY / "kinds.csv")[1]
        return cls(tags, {word: tag for word, tag in used.items() if word not in tags}, above)


def parsed_names(words: Words, processes: int = 1) -> Names:
    """Names by the parser of `ram parse`."""
    phrases = sorted(word for word in (*words.tags, *words.synonyms) if " " in word)

    def names(captions: Sequence[str]) -> list[set[str]]:
        return [{tag.name for tag in tags} for tags in parse_captions(captions, phrases, processes)]

    return names


def find_cases(
    found: Sequence[Sequence[str]],
    unsteered: Sequence[set[str]],
    references: Sequence[Sequence[set[str]]],
    words: Words,
    most: int,
    confirmed: int = 2,
    seed: int = 0,
) -> list[Case]:
    """Draw cases: first one of each photo, the tag that most references name, then further ones.

    Args:
        found: (photos,) tags that the model finds.
        unsteered: (photos,) names in its captions.
        references: (photos,) names in each reference.
        words: for tags.
        most: cases.
        confirmed: references that have to name a true tag.
        seed: of the order of photos and of the false tags.
    """
    draw = random.Random(seed)
    named = [Counter(tag for names in texts for tag in words.tags_in(names)) for texts in references]
    candidates: list[tuple[int, float, int, str]] = []
    for photo, counts in enumerate(named):
        absent = words.tags_in(unsteered[photo])
        left_out = [tag for tag, count in sorted(counts.items()) if count >= confirmed and tag not in absent]
        for rank, tag in enumerate(sorted(left_out, key=lambda tag: -counts[tag])):
            candidates.append((rank, draw.random(), photo, tag))
    pool = [tag for counts in named for tag, count in sorted(counts.items()) if count >= confirmed]
    cases: list[Case] = []
    for _, _, photo, tag in sorted(candidates):
        seen = {tag.lower() for tag in found[photo]}
        wrong = [
            other
            for other in pool
            if other not in seen and not any(words.are_related(other, true) for true in named[photo])
        ]
        if wrong and len(cases) < most:
            cases.append(Case(photo, tag, draw.choice(wrong), tuple(found[photo])))
    return cases
