"""Sources of the lexicon: ImageNet's synsets inside timm, and everyday words described for this project.

timm's tables are read without importing timm, which would load torch. ``everyday.csv`` adds common sights that
ImageNet's names lack, or know only in another sense. ``domains.csv`` says where the noun files of WordNet 3.0 start: a
synset's number is its byte offset in them, one file after the other. `ram.describers.lexicon.domain_offsets` makes it;
the shipped offsets are rounded down to the gap between two files.
"""

from __future__ import annotations

import importlib.util
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from ram.describers.lexicon.synsets import Synset
from ram.errors import DescriberError, InputError
from ram.text.files import package_file, read_lines, read_table, read_text

_PHOTOGRAPHED = ("imagenet_synsets.txt", "imagenet12k_synsets.txt", "imagenet21k_miil_w21_synsets.txt")
"""timm's selections of ImageNet: the more of them list a synset, the more it is photographed."""


def installed_synsets() -> list[Synset]:
    """Everyday words, then the ImageNet synsets of the installed timm.

    Raises:
        DescriberError: timm is not installed, or no longer contains these tables.
    """
    found = importlib.util.find_spec("timm")
    if found is None or not found.submodule_search_locations:
        raise DescriberError("The lexicon needs the timm package: install it, or use template instead.")
    folder = Path(found.submodule_search_locations[0], "data", "_info")
    try:
        return [*everyday_synsets(), *imagenet_synsets(folder)]
    except InputError as error:
        raise DescriberError(
            f"The lexicon cannot read the ImageNet names of the installed timm ({error}): "
            "install the version in requirements.txt, or use the template describer."
        ) from None


def everyday_synsets() -> Iterator[Synset]:
    """Synsets of ``everyday.csv``: names separated by semicolons, kind, gloss."""
    path = package_file("describers/lexicon/everyday.csv")
    for _, row in read_table(path, ("names", "kind", "gloss")):
        yield Synset(tuple(row["names"].split("; ")), row["gloss"], "everyday", row["kind"], photos=3)


def imagenet_synsets(folder: Path) -> Iterator[Synset]:
    """The 21,844 ImageNet synsets of timm's tables "synset, tab, names or gloss".

    Raises:
        InputError: a table is missing or has another form.
    """
    rows = read_table(package_file("describers/lexicon/domains.csv"), ("first_offset", "domain"))
    starts, domains = zip(*((int(row["first_offset"]), row["domain"]) for _, row in rows), strict=True)
    names = _read_pairs(folder / "imagenet_synset_to_lemma.txt")
    glosses = _read_pairs(folder / "imagenet_synset_to_definition.txt")
    selections = [frozenset(read_lines(folder / file)) for file in _PHOTOGRAPHED]
    for synset in sorted(names):
        yield Synset(
            tuple(names[synset].split(", ")),
            glosses.get(synset, ""),
            domains[bisect_right(starts, int(synset[1:])) - 1],
            photos=sum(synset in selection for selection in selections),
        )


def _read_pairs(path: Path) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in filter(None, read_text(path).splitlines()):
        synset, separator, text = line.partition("\t")
        if not separator or not synset[1:].isdigit():
            raise InputError(f"{path.name} has a line without a synset, a tab and a text")
        pairs[synset] = text
    return pairs
