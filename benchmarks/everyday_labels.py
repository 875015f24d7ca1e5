"""Build the label system ``ram/labels/everyday`` from the shipped tags and files of further ones.

    python -m benchmarks.everyday_labels nature.jsonl objects.jsonl scenes.jsonl --kinds kinds.csv --drop drop.csv

Each line of a file is ``{"tag", "kind", "hypernyms", "synonyms", "descriptions"}``. A tag that two files hold, or that
ships already, keeps the descriptions of both. Words that meant a broader tag in the smaller system ("banana" for
"fruit") and are now tags of their own imply that tag instead.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ram.errors import InputError
from ram.labels.hypernyms import Hypernyms, load_kinds, save_kinds
from ram.labels.label_system import LabelSystem, load_synonyms, shipped_descriptions, shipped_system
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.vocabulary import TagVocabulary

FOLDER = Path(__file__).parents[1] / "ram" / "labels" / "everyday"
ORIGIN = Origin("written for this project", "everyday descriptions 1")
MOST_DESCRIPTIONS = 12


@dataclass
class Entry:
    """What the files say of one tag."""

    kind: str = "object"
    hypernyms: list[str] = field(default_factory=list)
    synonyms: list[str] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)


def read_entries(paths: Iterable[Path]) -> dict[str, Entry]:
    """The tags of all files in their order; InputError names a line that is no entry."""
    entries: dict[str, Entry] = {}
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                found = json.loads(line)
                entry = entries.setdefault(" ".join(found["tag"].lower().split()), Entry())
                entry.kind = found["kind"]
                entry.hypernyms += map(str.lower, found["hypernyms"])
                entry.synonyms += map(str.lower, found["synonyms"])
                entry.descriptions += found["descriptions"]
            except (ValueError, KeyError, AttributeError) as error:
                raise InputError(f"line {number} of {path.name} is no entry ({error!r})") from None
    return entries


def join(
    entries: dict[str, Entry],
    shipped: LabelSystem,
    descriptions: TagDescriptions,
    steps: Hypernyms,
    dropped: Mapping[str, str],
) -> tuple[LabelSystem, TagDescriptions, Hypernyms]:
    """The shipped tags first, then the further ones, with synonyms, descriptions and hypernyms of both.

    Args:
        entries: of the files.
        shipped, descriptions: the smaller system.
        steps: hypernyms of its tags.
        dropped: tags that are no longer any, to the one that takes their place, or to "".
    """
    tags = [tag for tag in dict.fromkeys([*shipped.vocabulary.tags, *entries]) if tag not in dropped or tag in entries]
    known = set(tags)
    sentences: dict[str, tuple[str, ...]] = {}
    direct: dict[str, list[str]] = {tag: list(above) for tag, above in steps.direct.items()}
    synonyms: dict[str, str] = {}
    for tag in tags:
        entry = entries.get(tag, Entry())
        own = descriptions[tag] if tag in descriptions else ()
        sentences[tag] = tuple(dict.fromkeys([*own, *entry.descriptions]))[:MOST_DESCRIPTIONS]
        direct.setdefault(tag, [])
        direct[tag] += entry.hypernyms
        for word in entry.synonyms:
            if word not in known:
                synonyms.setdefault(word, tag)
    for word, tag in {**shipped.synonyms, **dropped}.items():
        tag = dropped.get(tag, tag)
        if tag not in known:
            continue
        if word not in known:
            synonyms.setdefault(word, tag)
        elif word != tag and word in entries and not entries[word].hypernyms:
            direct[word].append(tag)
    meant = {word: synonyms.get(word, word) for above in direct.values() for word in above}
    clean = {
        tag: list(dict.fromkeys(meant[word] for word in above if meant[word] in known and meant[word] != tag))
        for tag, above in direct.items()
        if tag in known
    }
    acyclic = _without_circles({tag: above for tag, above in clean.items() if above})
    return LabelSystem(TagVocabulary.of(tags), synonyms), TagDescriptions(sentences, ORIGIN), Hypernyms(acyclic)


def _without_circles(direct: dict[str, list[str]]) -> dict[str, list[str]]:
    """Drop each step that leads back to where it starts."""
    kept: dict[str, list[str]] = {}

    def reaches(start: str, goal: str) -> bool:
        waiting, seen = [start], set()
        while waiting:
            one = waiting.pop()
            if one == goal:
                return True
            if one not in seen:
                seen.add(one)
                waiting += kept.get(one, [])
        return False

    for tag, above in direct.items():
        for one in above:
            if not reaches(one, tag):
                kept.setdefault(tag, []).append(one)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--kinds", required=True, type=Path, help="kinds and hypernyms of the shipped tags")
    parser.add_argument("--drop", required=True, type=Path, help="shipped tags to leave out, and what to use instead")
    parser.add_argument("--output", type=Path, default=FOLDER)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    shipped = shipped_system()
    more = load_synonyms(FOLDER.parent / "synonyms.csv")
    kinds, steps = load_kinds(args.kinds)
    with open(args.drop, encoding="utf-8", newline="") as file:
        dropped = {row["tag"]: row["use_instead"] for row in csv.DictReader(file)}
    entries = read_entries(args.files)
    system, descriptions, hypernyms = join(entries, shipped, shipped_descriptions(), steps, dropped)
    words = {word: tag for word, tag in more.items() if tag in system.vocabulary and word not in system.vocabulary}
    system = LabelSystem(system.vocabulary, {**words, **system.synonyms})
    system.save(args.output)
    descriptions.save(args.output / "descriptions.json")
    all_kinds = {tag: entries[tag].kind if tag in entries else kinds[tag] for tag in system.vocabulary.tags}
    save_kinds(args.output / "kinds.csv", all_kinds, hypernyms)
    print(f"{len(system)} tags, {len(system.synonyms)} synonyms, {len(hypernyms)} tags with hypernyms: {args.output}")


if __name__ == "__main__":
    main()
