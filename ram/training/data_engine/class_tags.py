"""ImageNet classes to tags: by a name they share, and by what a class is a kind of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ram.describers.wording import singulars


@dataclass(frozen=True)
class ClassTags:
    """What one class says in the words of a label system.

    Args:
        name: the usual name of the class.
        same: the tag that has one of its names, or None.
        kinds: further tags that hold wherever the class does: "bird" and "animal" for a goldfinch.
    """

    name: str
    same: str | None
    kinds: frozenset[str]

    @property
    def tags(self) -> frozenset[str]:
        """All tags that hold where the class does."""
        return self.kinds if self.same is None else self.kinds | {self.same}


def class_tags(names: Sequence[Sequence[str]], tags: Mapping[str, str]) -> list[ClassTags]:
    """Every class in turn.

    Args:
        names: of each class, the usual one first.
        tags: words in lower case to the tag they stand for.
    """
    kinds: dict[int, set[str]] = {}
    for kind, members in _ranges():
        if kind in tags:
            for index in members:
                kinds.setdefault(index, set()).add(tags[kind])
    listed = {name: kind for kind, group in _KINDS_OF_NAMES.items() for name in group.split(", ")}
    found = []
    for index, all_names in enumerate(names):
        same = next(
            (tags[n] for n in map(str.casefold, all_names) if n in tags and (index, n) not in _OTHER_SENSES), None
        )
        usual = all_names[0].casefold()
        head = usual.rpartition(" ")[2] if " " in usual and usual not in _NO_KIND_OF_THEIR_HEAD else ""
        more = {tags[kind] for kind in (head, listed.get(usual, "")) if kind in tags}
        found.append(ClassTags(usual, same, frozenset(kinds.get(index, set()) | more) - {same}))
    return found


def excluded(name: str, words: Collection[str]) -> bool:
    """Whether a name is, or holds, one of these words in any number, run together or not: "electric guitar" holds
    "guitar", "cellphone" is "cell phone"."""
    parts = [_forms(part) for part in _parts(name)]
    whole = _forms("".join(_parts(name)))
    for word in words:
        wanted = [_forms(part) for part in _parts(word)]
        places = range(len(parts) - len(wanted) + 1)
        if any(all(map(set.intersection, parts[i : i + len(wanted)], wanted)) for i in places):
            return True
        if whole & _forms("".join(_parts(word))):
            return True
    return False


def _parts(name: str) -> list[str]:
    return name.casefold().replace("-", " ").split()


def _forms(word: str) -> set[str]:
    """A word and what its singular may be; one too many keeps out a little more."""
    return {word, word.removesuffix("es"), *singulars(word)}


def _ranges() -> Iterator[tuple[str, list[int]]]:
    for kind, ranges in _KINDS_OF_CLASSES.items():
        ends = [tuple(map(int, part.split("-"))) for part in ranges.split()]
        yield kind, [index for first, last in ends for index in range(first, last + 1)]


# The classes stand in the order of a taxonomy: what is of a kind stands together.
_KINDS_OF_CLASSES = {
    "animal": "0-397",
    "bear": "294-297",
    "beetle": "300-307",
    "bird": "7-24 80-100 127-146",
    "butterfly": "321-326",
    "cat": "281-285",
    "crab": "118-121 125-125",
    "dog": "151-268",
    "elephant": "101-101 385-386",
    "fish": "0-1 389-397",
    "fox": "277-280",
    "frog": "30-32",
    "fruit": "948-957",
    "insect": "300-326",
    "lizard": "38-48",
    "monkey": "370-382",
    "reptile": "33-68",
    "shark": "2-4",
    "snake": "52-68",
    "spider": "72-77",
    "turtle": "33-37",
    "vegetable": "936-946",
    "whale": "147-148",
    "wolf": "269-271",
}

_KINDS_OF_NAMES = {
    "airplane": "airliner, warplane",
    "bicycle": "bicycle-built-for-two, mountain bike",
    "boat": "canoe, catamaran, fireboat, gondola, lifeboat, speedboat, trimaran, yawl",
    "building": "barn, castle, church, greenhouse, monastery, mosque, palace, stupa",
    "bus": "minibus, school bus, trolleybus",
    "car": "beach wagon, cab, convertible, jeep, limousine, minivan, model t, racer, sports car",
    "computer": "desktop computer, laptop, notebook",
    "hat": "cowboy hat, sombrero",
    "mountain": "alp, volcano",
    "ship": "aircraft carrier, container ship, liner, pirate",
    "truck": "fire engine, garbage truck, moving van, pickup, tow truck, trailer truck",
}

# A "sea lion" is no lion; or the last word means something else as a tag than in the name.
_NO_KIND_OF_THEIR_HEAD = frozenset(
    (
        "african grey, book jacket, brain coral, cassette player, cd player, custard apple, digital watch, fire "
        "screen, freight car, guinea pig, hair slide, hair spray, half track, hen-of-the-woods, horizontal bar, hot "
        "pot, lens cap, madagascar cat, medicine chest, oil filter, parallel bars, passenger car, petri dish, piggy "
        "bank, sea anemone, sea cucumber, sea lion, sea slug, sea urchin, solar dish, space bar, tape player, toilet "
        "seat, traffic light, walking stick, window screen"
    ).split(", ")
)

# Names that stand for something else as a tag: the bird and the toy, the tool and the aircraft.
_OTHER_SENSES = frozenset(
    {
        (21, "kite"),
        (286, "painter"),
        (312, "cricket"),
        (492, "chest"),
        (517, "crane"),
        (626, "light"),
        (705, "coach"),
        (726, "plane"),
        (976, "head"),
        (998, "ear"),
    }
)
