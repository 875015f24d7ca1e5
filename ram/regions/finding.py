"""Find a box for each tag of an image from the tagger's own evidence: rough, but without another model."""

from __future__ import annotations

from collections import deque

import numpy as np

from ram.images.given import Source
from ram.images.opening import open_image
from ram.images.size_limits import OWN_FILES, ImageLimits
from ram.regions.evidence_maps import evidence_maps
from ram.regions.region import Box, Region
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank

LEVEL = 0.4
"""A box goes around the part of a map that is over this share of its range and holds the peak."""
MOST = 8


def find_regions(
    tagger: Tagger,
    image: Source,
    bank: TagEmbeddingBank | None = None,
    threshold: float | None = None,
    most: int = MOST,
    limits: ImageLimits = OWN_FILES,
) -> list[Region]:
    """One box for each tag that an image has, most probable first.

    docs/neighbours.md has how good the boxes are. A detector draws better ones: :mod:`ram.regions.grounding`.

    Args:
        tagger: tags the image.
        image: what :meth:`ram.tagger.Tagger.look` takes.
        bank: the tags; the predefined ones where None.
        threshold: probability over which a tag is present; the tags' own where None.
        most: how many tags at most.
        limits: on the image.

    Raises:
        ImageError: the image cannot be opened.
        InputError: the bank is of another text encoder, or the model cannot tell where a tag is.
    """
    bank = tagger.bank if bank is None else bank
    pixels = tagger.transform(open_image(image, limits))[None]
    scores = tagger.score(tagger.look_at_pixels(pixels), bank).above(threshold)[:most]
    if not scores:
        return []
    maps = evidence_maps(tagger, pixels, bank.select([score.tag for score in scores]))
    return [Region(score.tag, score.probability, box_of(one)) for score, one in zip(scores, maps, strict=True)]


def box_of(evidence: np.ndarray, level: float = LEVEL) -> Box:
    """The box around the connected part of a map (rows, columns) that holds its peak.

    Args:
        evidence: the higher, the more.
        level: share of the range between the lowest and the highest value over which a cell belongs to the part.
    """
    lowest, highest = evidence.min(), evidence.max()
    left, top, right, bottom = around_peak(evidence, lowest + level * (highest - lowest))
    rows, columns = evidence.shape
    return Box(left / columns, top / rows, right / columns, bottom / rows)


def around_peak(values: np.ndarray, least: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, in cells, of the connected part of a map (rows, columns) that holds its peak.

    Args:
        values: of the map.
        least: a cell of at least this value belongs to the part, if it is reached up, down, left and right.
    """
    peak = divmod(int(values.argmax()), values.shape[1])
    over, seen, waiting = values >= least, {peak}, deque([peak])
    while waiting:
        row, column = waiting.popleft()
        for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            within = 0 <= near[0] < over.shape[0] and 0 <= near[1] < over.shape[1]
            if within and near not in seen and over[near]:
                seen.add(near)
                waiting.append(near)
    rows, columns = zip(*seen, strict=True)
    return min(columns), min(rows), max(columns) + 1, max(rows) + 1
