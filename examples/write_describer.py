"""Write a describer and use its sentences to score new categories.

    python examples/write_describer.py assets/examples/coffee.jpg espresso tea
"""

import sys
from collections.abc import Iterator

import ram
from ram.describers.base import Describer

FACTS = {
    "espresso": ["a small cup of strong black coffee.", "dark coffee with brown foam in a small cup."],
    "tea": ["a clear brown drink in a glass or a cup, with a tea bag or leaves."],
}


class FactDescriber(Describer):
    """Describe a tag by the facts above, after the plain sentence."""

    name = "facts"
    fingerprint = "facts-1"  # change it with the sentences: a cache of descriptions is keyed by it

    def describe(self, tag: str) -> Iterator[str]:
        yield f"a photo of {tag}."
        yield from FACTS.get(tag, ())


def main(photo: str, *tags: str) -> None:
    tagger, describer = ram.load("ram-plus-lite"), FactDescriber()
    bank = tagger.embed({tag: list(describer.describe(tag)) for tag in tags})
    for score in tagger.score(tagger.look(photo), bank):
        best = score.descriptions[0]
        print(f"{score.probability:.2f}  {score.tag}: {best.text} ({best.weight:.0%})")


if __name__ == "__main__":
    main(*sys.argv[1:])
