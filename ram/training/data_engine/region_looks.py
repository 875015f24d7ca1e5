"""The regions of a tag as the tagger sees them, which RAM's cleaning judges (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from ram.errors import ImageError
from ram.images.opening import open_image
from ram.regions.region import WHOLE, Box
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.files import listed_path
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.detectors import Detector

Pair = tuple[int, int]
"""Index of a triplet and id of a tag."""


@dataclass(frozen=True, eq=False)
class RegionLooks:
    """Regions of tags of triplets, as the tagger sees them.

    Args:
        pairs: (regions,) triplet and tag of each; a pair may have several regions.
        features: (regions, dim) unit pooled tokens.
        probabilities: (regions,) of the pair's tag.
        unreadable: images that could not be read, with the reason.
        boxes: (regions,) where they are; empty where nobody asks.
    """

    pairs: tuple[Pair, ...]
    features: NDArray[np.floating] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    unreadable: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()

    def rows_of_tags(self) -> dict[int, dict[Pair, list[int]]]:
        """Rows of each pair, by its tag."""
        rows: dict[int, dict[Pair, list[int]]] = {}
        for row, pair in enumerate(self.pairs):
            rows.setdefault(pair[1], {}).setdefault(pair, []).append(row)
        return rows

    @classmethod
    def join(cls, parts: Sequence[RegionLooks]) -> RegionLooks:
        """All regions of several parts, which are not all empty."""
        filled = [part for part in parts if part.pairs]
        return cls(
            tuple(pair for part in filled for pair in part.pairs),
            np.concatenate([part.features for part in filled]),
            np.concatenate([part.probabilities for part in filled]),
            tuple(text for part in parts for text in part.unreadable),
            tuple(box for part in filled for box in part.boxes),
        )


def look_at_regions(
    tagger: Tagger,
    detector: Detector,
    labels: TagVocabulary,
    triplets: Sequence[dict[str, Any]],
    folder: Path,
    progress: Progress = quiet,
    first: int = 0,
) -> RegionLooks:
    """Look at the regions of every tag of every triplet that the tagger knows.

    A tag for which the detector finds no region is judged by the whole image.

    Args:
        tagger: the baseline model.
        detector: finds the regions.
        labels: the label system whose ids the triplets use.
        triplets: with ``image_path`` and ``union_label_id``.
        folder: folder to which their image paths are relative.
        progress: called with what is being done, how much is done, and how much there is.
        first: index of the first triplet, where these are a part of more.

    Returns:
        The regions; none where the tagger knows no tag or no image can be read.
    """
    pairs: list[Pair] = []
    boxes: list[Box] = []
    features, probabilities, unreadable = [], [], []
    for index, triplet in enumerate(triplets, first):
        progress(f"{tagger.name} looks at regions", index - first, len(triplets))
        known = [id_ for id_ in triplet["union_label_id"] if labels.tags[id_] in tagger.bank.vocabulary]
        if not known:
            continue
        try:
            picture = open_image(listed_path(folder, triplet["image_path"]))
        except ImageError as error:
            unreadable.append(str(error))
            continue
        tags = [labels.tags[id_] for id_ in known]
        found = [regions or (WHOLE,) for regions in detector.regions(picture, tags)]
        cut = [(id_, box) for id_, regions in zip(known, found, strict=True) for box in regions]
        for (id_, box), pooled, probability in zip(cut, *_looks(tagger, picture, labels, cut), strict=True):
            pairs.append((index, id_))
            boxes.append(box)
            features.append(pooled)
            probabilities.append(probability)
    together = np.stack(features) if features else np.empty((0, tagger.config.dim), np.float32)
    return RegionLooks(
        tuple(pairs), together, np.array(probabilities, np.float32), tuple(unreadable), tuple(boxes)
    )


def _looks(
    tagger: Tagger, picture: Any, labels: TagVocabulary, cut: Sequence[tuple[int, Box]]
) -> tuple[list[NDArray[np.float32]], list[float]]:
    """Unit pooled token of each region, and the probability of its tag; a box of several tags is looked at once."""
    bank = tagger.bank.select(list(dict.fromkeys(labels.tags[id_] for id_, _ in cut)))
    boxes = list(dict.fromkeys(box for _, box in cut))
    pooled, scores = [], []
    for features in tagger.look_through([box.crop(picture) for box in boxes]):
        if isinstance(features, ImageError):
            raise features
        pooled.append(F.normalize(features.pooled[0].float(), dim=0).cpu().numpy())
        scores.append(tagger.score(features, bank))
    seen = [(boxes.index(box), labels.tags[id_]) for id_, box in cut]
    return [pooled[row] for row, _ in seen], [scores[row][tag].probability for row, tag in seen]
