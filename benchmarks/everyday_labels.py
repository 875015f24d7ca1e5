"""Build the label system ``ram/labels/everyday`` from a reviewed table of tags and their descriptions.

    python -m benchmarks.everyday_labels tags.csv descriptions.json

``tags.csv`` has the columns tag, kind, hypernyms and synonyms, the last two separated by semicolons;
``descriptions.json`` is in the official form. Everything that would mislead training is refused: a tag without eight
descriptions, a synonym of two tags, a hypernym that is not a tag.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ram.errors import InputError
from ram.labels.hypernyms import Hypernyms, save_kinds
from ram.labels.label_system import LabelSystem
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.files import package_file
from ram.text.vocabulary import TagVocabulary

FOLDER = package_file("labels/everyday")
ORIGIN = Origin("written for this project", "everyday descriptions 1")
FEWEST_DESCRIPTIONS = 8


def read_system(rows: Sequence[Mapping[str, str]]) -> tuple[LabelSystem, dict[str, str], Hypernyms]:
    """Read the table: tags with synonyms, their kinds and their hypernyms.

    Raises:
        InputError: a word means two tags, or a hypernym is not a tag or a circle.
    """
    tags = [row["tag"] for row in rows]
    synonyms: dict[str, str] = {}
    for row in rows:
        for word in _parts(row["synonyms"]):
            if word in tags or synonyms.setdefault(word, row["tag"]) != row["tag"]:
                raise InputError(f"{word!r} is a synonym of {row['tag']!r} and means another tag too: keep one")
    direct = {row["tag"]: _parts(row["hypernyms"]) for row in rows}
    if unknown := sorted({one for above in direct.values() for one in above} - set(tags)):
        raise InputError(f"the hypernym {unknown[0]!r} is not a tag: add it, or leave it out")
    hypernyms = Hypernyms({tag: above for tag, above in direct.items() if above})
    return LabelSystem(TagVocabulary.of(tags), synonyms), {row["tag"]: row["kind"] for row in rows}, hypernyms


def check_descriptions(descriptions: TagDescriptions, tags: Sequence[str]) -> TagDescriptions:
    """Return the descriptions of these tags.

    Raises:
        InputError: a tag has too few.
    """
    for tag in tags:
        if tag not in descriptions or len(descriptions[tag]) < FEWEST_DESCRIPTIONS:
            raise InputError(f"the tag {tag!r} needs at least {FEWEST_DESCRIPTIONS} descriptions")
    return TagDescriptions({tag: descriptions[tag] for tag in tags}, ORIGIN)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(";")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tags", type=Path)
    parser.add_argument("descriptions", type=Path)
    parser.add_argument("--output", type=Path, default=FOLDER)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    with open(args.tags, encoding="utf-8", newline="") as file:
        system, kinds, hypernyms = read_system(list(csv.DictReader(file)))
    descriptions = check_descriptions(TagDescriptions.load(args.descriptions), system.vocabulary.tags)
    system.save(args.output)
    descriptions.save(args.output / "descriptions.json")
    save_kinds(args.output / "kinds.csv", kinds, hypernyms)
    print(f"{len(system)} tags, {len(system.synonyms)} synonyms, {len(hypernyms)} tags with hypernyms: {args.output}")


if __name__ == "__main__":
    main()
