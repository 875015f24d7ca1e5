"""The worker function: tag the decoded pictures of a part and write its results. It knows no engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ram.cluster.parquet_results import look_columns, part_file, write_part
from ram.cluster.picture_parts import PART, DecodedPart
from ram.export.formats import listed
from ram.images.size_limits import OWN_FILES, ImageLimits
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from ram.tagger_loading import load
from ram.text.bank import TagEmbeddingBank


@dataclass(frozen=True)
class TaggingJob:
    """The settings of a tagging run; they are sent to workers on other machines, which find the model by its name.

    Args:
        folder: of the results, which all machines see.
        model, device, dtype: of :func:`ram.load`.
        bank: tags to score in place of the model's own.
        typed: tags that are always listed.
        top, threshold: see :func:`ram.export.formats.listed`.
        looks: keep the looks too.
        part: pictures of a part.
        limits: on each picture.
    """

    folder: Path
    model: str
    device: str = "auto"
    dtype: str = "auto"
    bank: TagEmbeddingBank | None = None
    typed: tuple[str, ...] = ()
    top: int | None = None
    threshold: float | None = None
    looks: bool = False
    part: int = PART
    limits: ImageLimits = OWN_FILES

    def is_done(self, shard: str, number: int) -> bool:
        """Whether a part has its results."""
        return part_file(self.folder, shard, number).is_file()


@dataclass(frozen=True)
class PartDone:
    """A part that has its results.

    Args:
        shard, number, last: of the part.
        pictures: how many it holds.
        faults: those that could not be read, each with the reason.
    """

    shard: str
    number: int
    last: bool
    pictures: int
    faults: tuple[tuple[str, str], ...] = ()


class PartTagger:
    """Tags parts with one model.

    Args:
        job: what to do.
        tagger: the loaded model; None loads it.
    """

    def __init__(self, job: TaggingJob, tagger: Tagger | None = None) -> None:
        self._job = job
        tagger = load(job.model, job.device, job.dtype) if tagger is None else tagger
        self._tagger = tagger if job.bank is None else tagger.with_bank(job.bank)

    def __call__(self, part: DecodedPart) -> PartDone:
        """Tag the pictures, and write the file of the part."""
        job, looks = self._job, self._looks(part.pixels)
        rows = [
            {"image": name, "error": fault} if fault else {"image": name, **self._columns(next(looks))}
            for name, fault in zip(part.names, part.faults, strict=True)
        ]
        write_part(job.folder, part.shard, part.number, rows, job.looks)
        faults = tuple((name, fault) for name, fault in zip(part.names, part.faults, strict=True) if fault)
        return PartDone(part.shard, part.number, part.last, len(rows), faults)

    def _looks(self, pixels: torch.Tensor) -> Iterator[ImageFeatures]:
        for batch in pixels.split(self._tagger.batch_size) if len(pixels) else ():
            features = self._tagger.look_at_pixels(batch)
            for row in range(len(batch)):
                yield features.rows(slice(row, row + 1))

    def _columns(self, look: ImageFeatures) -> dict[str, Any]:
        prediction = self._tagger.score(look)
        scores = listed(prediction, self._job.typed, self._job.top, self._job.threshold)
        return {
            "tags": list(prediction.tags),
            "scores": [{"tag": s.tag, "probability": s.probability, "threshold": s.threshold} for s in scores],
            "unlike": prediction.unlike if prediction.strength is not None else None,
            **(look_columns(look) if self._job.looks else {}),
        }
