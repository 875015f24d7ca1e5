"""Make ``domains.csv`` from WordNet 3.0: python -m ram.describers.lexicon.domain_offsets data.noun > domains.csv

WordNet's ``data.noun`` lists its synsets file after file ("noun.act", "noun.animal" ...), and ImageNet names a synset
by its byte offset in it. So the first offset of every file is enough to tell what a synset is about.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator

DOMAINS = {
    3: "top", 4: "act", 5: "animal", 6: "artifact", 7: "attribute", 8: "body", 9: "cognition", 10: "communication",
    11: "event", 13: "food", 14: "group", 15: "location", 17: "object", 18: "person", 19: "phenomenon", 20: "plant",
    25: "shape", 27: "substance",
}  # fmt: skip
"""Lexicographer file to domain (WordNet's lexnames); the rest, such as feelings and time, is "other"."""


def first_offsets(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the first offset of each domain, in the order of ``data.noun``."""
    previous = None
    for line in lines:
        if line.startswith(" "):  # the licence
            continue
        offset, file = line.split(" ", 2)[:2]
        domain = DOMAINS.get(int(file), "other")
        if domain != previous:
            previous = domain
            yield int(offset), domain


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as nouns:
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(("first_offset", "domain"))
        rows.writerows(first_offsets(nouns))
