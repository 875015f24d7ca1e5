"""RAM's data engine (section 3.3): a first model adds tags that captions leave out, and strikes those it does not see.

Differs from the paper: cleaning goes by the model's own probabilities alone, not by a detector's regions as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ram.errors import ImageError
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.class_tags import excluded


@dataclass
class EngineReport:
    """What became of the triplets.

    Args:
        pictures: that were looked at.
        generated, cleaned: tags that joined, and that were struck out.
        unreadable: pictures that stay as they were, with the reason.
    """

    pictures: int = 0
    generated: int = 0
    cleaned: int = 0
    unreadable: list[str] = field(default_factory=list)


class DataEngine:
    """Annotates triplets anew with a tagger.

    Args:
        tagger: any model; tags of the label system that it does not hold are left alone.
        labels: the label system whose ids the triplets use.
        threshold: probability over which a tag joins; each tag's own threshold of the tagger where None.
        clean_below: probability under which a tag is struck out; 0 strikes none.
        exclude: tags that hold one of these words never join.

    Raises:
        ValueError: the tagger holds none of the tags, or would strike out what it adds.
    """

    def __init__(
        self,
        tagger: Tagger,
        labels: TagVocabulary,
        threshold: float | None = None,
        clean_below: float = 0.0,
        exclude: Collection[str] = (),
    ) -> None:
        shared = [tag for tag in tagger.bank.vocabulary.tags if tag in labels]
        if not shared:
            raise ValueError(f"{tagger.name} holds none of the {len(labels)} tags of the label system: name another")
        if threshold is not None and clean_below > threshold:
            raise ValueError(f"what is under {clean_below} cannot be struck out where {threshold} is enough to join")
        self._tagger = tagger
        self._bank = tagger.bank.select(shared)
        self._ids = np.array([labels.id(tag) for tag in shared])
        own = np.array(self._bank.vocabulary.thresholds)
        joins = np.array([not excluded(tag, exclude) for tag in shared])
        self._over = np.where(joins, own if threshold is None else threshold, np.inf)
        self._clean_below = clean_below
        self.report = EngineReport()

    def annotate(
        self,
        triplets: Sequence[dict[str, Any]],
        folder: Path,
        progress: Progress = quiet,
    ) -> Iterator[dict[str, Any]]:
        """Triplets in the official form, one after the other, with other tags; all else in them stays.

        Args:
            triplets: with ``image_path``, ``union_label_id`` and perhaps ``parse_label_id``.
            folder: where their picture paths begin.
            progress: told what is being done, how much is done, and how much there is.
        """
        looks = self._tagger.look_through([folder / triplet["image_path"] for triplet in triplets])
        for done, (triplet, features) in enumerate(zip(triplets, looks, strict=True)):
            progress(f"{self._tagger.name} looks at the pictures", done, len(triplets))
            if isinstance(features, ImageError):
                self.report.unreadable.append(str(features))
                yield triplet
                continue
            yield self._changed(triplet, self._tagger.score(features, self._bank).probabilities)

    def _changed(self, triplet: dict[str, Any], probabilities: np.ndarray) -> dict[str, Any]:
        before = set(triplet["union_label_id"])
        joining = set(self._ids[probabilities > self._over].tolist()) - before
        struck = before & set(self._ids[probabilities < self._clean_below].tolist())
        self.report.pictures += 1
        self.report.generated += len(joining)
        self.report.cleaned += len(struck)
        changed = {**triplet, "union_label_id": sorted((before | joining) - struck)}
        if "parse_label_id" in triplet:
            changed["parse_label_id"] = [[i for i in ids if i not in struck] for ids in triplet["parse_label_id"]]
        return changed
