"""Figures 8 and 9 of RAM++: probabilities of RAM and RAM++ for open-set categories, with the heaviest description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ram.describers.fallback import describe_tags
from ram.describers.loading import load_describer
from ram.figures import comparison_figure
from ram.images.opening import open_image
from ram.tagger import Tagger

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHOTOS = Path(__file__).parents[2] / "assets" / "examples"
EXAMPLES: Mapping[int, Mapping[str, Sequence[str]]] = {
    8: {"polar_bear": ("polar bear", "walrus"), "parrot": ("scarlet macaw", "toucan")},
    9: {
        "crocodile": ("nile crocodile", "iguana"),
        "bee": ("honeybee", "dandelion"),
        "temple": ("pagoda", "lighthouse"),
        "astronaut": ("space suit", "diving suit"),
        "bridge": ("suspension bridge", "aqueduct"),
        "meadow": ("mountain pasture", "golf course"),
    },
}
"""Figure to its photos of ``assets/examples``; one category that the photo shows, and one that it does not."""


def example_figures(
    taggers: Mapping[str, Tagger], number: int, folder: Path = PHOTOS
) -> Iterator[tuple[str, Figure]]:
    """Yield the name of each photo and its figure.

    Every category is typed, also where it is predefined, so that both models have the same sentences of the lexicon;
    a RAM model keeps the first.

    Args:
        taggers: name to model.
        number: 8 or 9.
        folder: of the photos.
    """
    lexicon = load_describer("lexicon", environ={})
    for name, categories in EXAMPLES[number].items():
        picture = open_image(folder / f"{name}.jpg")
        described, _ = describe_tags(lexicon, lexicon, categories)
        scores = {
            label: tagger.score(tagger.look(picture), tagger.embed(described)) for label, tagger in taggers.items()
        }
        yield name, comparison_figure(scores, picture)
