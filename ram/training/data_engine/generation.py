"""RAM's data engine (section 3.3): a first model adds tags that captions lack, and removes those that it rejects.

Differs from the paper: cleaning uses the model's probabilities alone; for that by regions see
:mod:`ram.training.data_engine.region_cleaning`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ram.errors import ImageError, InputError
from ram.runtime import Progress, quiet
from ram.tagger import Tagger
from ram.text.files import listed_path
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.class_tags import excluded


@dataclass
class EngineReport:
    """Counts of the changes to triplets.

    Args:
        pictures: images that were annotated.
        generated, cleaned: tags that were added and removed.
        before, after: tags of all triplets together; RAM gives them as 12.0 and 39.8 million.
        captions: that were written and added.
        unreadable: reasons why other images stay unchanged.
    """

    pictures: int = 0
    generated: int = 0
    cleaned: int = 0
    before: int = 0
    after: int = 0
    captions: int = 0
    unreadable: list[str] = field(default_factory=list)


class DataEngine:
    """Adds and removes tags of triplets with a tagger.

    Args:
        tagger: any model; tags of the label system that it does not know stay as they are.
        labels: the label system whose ids the triplets use.
        threshold: probability over which a tag is added; each tag's own threshold where None.
        clean_below: probability under which a tag is removed; 0 removes none.
        exclude: tags that contain one of these words are never added.

    Raises:
        InputError: the tagger knows none of the tags, or would remove what it adds.
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
            raise InputError(f"{tagger.name} holds none of the {len(labels)} tags of the label system: name another")
        if threshold is not None and clean_below > threshold:
            raise InputError(f"what is under {clean_below} cannot be removed where {threshold} is enough to be added")
        self._tagger = tagger
        self._bank = tagger.bank.select(shared)
        self._ids = np.array([labels.id(tag) for tag in shared])
        thresholds = np.array(self._bank.vocabulary.thresholds)
        may_join = np.array([not excluded(tag, exclude) for tag in shared])
        self._add_over = np.where(may_join, thresholds if threshold is None else threshold, np.inf)
        self._clean_below = clean_below
        self.report = EngineReport()

    def annotate(
        self,
        triplets: Sequence[dict[str, Any]],
        folder: Path,
        progress: Progress = quiet,
    ) -> Iterator[dict[str, Any]]:
        """Yield triplets in the official form with changed tags; all other fields stay.

        Args:
            triplets: with ``image_path``, ``union_label_id`` and perhaps ``parse_label_id``.
            folder: folder to which their image paths are relative.
            progress: called with what is being done, how much is done, and how much there is.
        """
        looks = self._tagger.look_through([listed_path(folder, triplet["image_path"]) for triplet in triplets])
        for done, (triplet, features) in enumerate(zip(triplets, looks, strict=True)):
            progress(f"{self._tagger.name} looks at the pictures", done, len(triplets))
            if isinstance(features, ImageError):
                self.report.unreadable.append(str(features))
                changed = triplet
            else:
                changed = self._changed(triplet, self._tagger.score(features, self._bank).probabilities)
            self.report.before += len(set(triplet["union_label_id"]))
            self.report.after += len(set(changed["union_label_id"]))
            yield changed

    def _changed(self, triplet: dict[str, Any], probabilities: np.ndarray) -> dict[str, Any]:
        before = set(triplet["union_label_id"])
        added = set(self._ids[probabilities > self._add_over].tolist()) - before
        removed = before & set(self._ids[probabilities < self._clean_below].tolist())
        self.report.pictures += 1
        self.report.generated += len(added)
        self.report.cleaned += len(removed)
        changed = {**triplet, "union_label_id": sorted((before | added) - removed)}
        if "parse_label_id" in triplet:
            changed["parse_label_id"] = [[i for i in ids if i not in removed] for ids in triplet["parse_label_id"]]
        return changed


def with_captions(
    triplets: Sequence[dict[str, Any]], captions: Sequence[str | None], tags: Sequence[Collection[int]]
) -> Iterator[dict[str, Any]]:
    """Add a generated caption to each triplet, and the tags that are parsed from it.

    A caption that a triplet already has is not added twice.

    Args:
        triplets: in the official form.
        captions: (triplets,) one each; None where the image could not be read.
        tags: (triplets,) ids of the label system that each caption names.
    """
    for triplet, caption, named in zip(triplets, captions, tags, strict=True):
        own = list(triplet.get("caption", ()))
        if caption is None or caption in own:
            yield triplet
            continue
        union = sorted({*triplet["union_label_id"], *named})
        parsed = [*triplet.get("parse_label_id", [[] for _ in own]), sorted(named)]
        yield {**triplet, "caption": [*own, caption], "union_label_id": union, "parse_label_id": parsed}


def tag_counts(
    before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], labels: TagVocabulary
) -> list[dict[str, Any]]:
    """Number of images of each tag that occurs, before and after; those that gained most come first."""
    old, new = (Counter(id_ for one in triplets for id_ in set(one["union_label_id"])) for triplets in (before, after))
    order = sorted(old | new, key=lambda id_: (old[id_] - new[id_], labels.tags[id_]))
    return [{"tag": labels.tags[id_], "before": old[id_], "after": new[id_]} for id_ in order]
