"""Find a box for each tag of an image from the tagger's own evidence."""

from __future__ import annotations

from typing import Any

from ram.regions.region import Region
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank


def find_regions(
    tagger: Tagger, image: Any, bank: TagEmbeddingBank | None = None, threshold: float | None = None, most: int = 8
) -> list[Region]:
    prediction = tagger.score(tagger.look(image), bank)
    return [Region(s.tag, s.probability, (0.25, 0.25, 0.75, 0.75)) for s in prediction.above(threshold)[:most]]
