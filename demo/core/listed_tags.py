"""List the tags of a photo for people: by kind, with a verdict, and those that a lower threshold would add."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from demo.core.texts import Text, say
from demo.core.verdicts import Verdict, margin, verdict
from ram.labels.hypernyms import Hypernyms, load_kinds
from ram.prediction import Prediction, TagScore
from ram.text.files import package_file
from ram.text.vocabulary import TagVocabulary

KINDS = ("object", "scene", "attribute", "action", "")
"""Kinds of tags in the order of the page; tags of the last one have no kind."""
NEXT_BEST = 6
"""Tags listed below their thresholds."""
MAX_SHIFT = 3.0
"""Most that a visitor may lower or raise all thresholds, in logits: odds by a factor of 20."""
MAX_BELOW = 40
"""Tags below their thresholds that a lower threshold can add."""


@dataclass(frozen=True)
class ListedTag:
    """A row of the list.

    Args:
        score: the tag's, with edited sentences where it has some.
        kind: one of :data:`KINDS`.
        rank: position by probability: tags over their thresholds first, then the next best, then the others.
        next_best: whether it is among those that are shown although they are below their thresholds.
        edited: whether its sentences are edited.
    """

    score: TagScore
    kind: str
    rank: int
    next_best: bool = False
    edited: bool = False

    @property
    def tag(self) -> str:
        return self.score.tag

    @property
    def margin(self) -> float:
        """Logit of the probability minus that of the threshold, see :func:`demo.core.verdicts.margin`."""
        return margin(self.score)

    @property
    def verdict(self) -> Verdict:
        return verdict(self.score)


def list_tags(
    prediction: Prediction, edited: Mapping[str, TagScore] | None = None, without: Collection[str] = ()
) -> list[ListedTag]:
    """Tags over their thresholds, the next best, and those that a lower threshold would add, most probable first.

    A photo that is unlike those of training gets no next best. Edited tags are always listed.

    Args:
        prediction: over the predefined tags.
        edited: scores of tags with edited sentences, by tag; they replace those of the prediction.
        without: tags that are listed elsewhere.
    """
    edited = {tag: score for tag, score in (edited or {}).items() if tag in prediction.vocabulary}
    prediction = _changed(prediction, edited)
    present = _left(prediction.above(), without)
    below = _left(prediction.next_best(MAX_BELOW + len(without)), without)
    shown = below[: 0 if prediction.unlike else NEXT_BEST]
    always = [score.tag for score in shown] + [tag for tag in edited if tag not in without]
    further = [score for score in below if score.tag not in always and margin(score) > -MAX_SHIFT]
    listed = list(dict.fromkeys([*(score.tag for score in present), *always, *(score.tag for score in further)]))
    kinds = kinds_of(prediction.vocabulary)
    return [
        ListedTag(edited.get(tag, prediction[tag]), kinds.get(tag, ""), rank, tag in always, tag in edited)
        for rank, tag in enumerate(listed)
    ]


def by_kind(tags: Sequence[ListedTag]) -> list[tuple[str, Text, list[ListedTag]]]:
    """Kind, heading and tags of each kind that has any, in the order of :data:`KINDS`."""
    groups = [(kind, say(f"kind_{kind}"), [tag for tag in tags if tag.kind == kind]) for kind in KINDS]
    return [group for group in groups if group[-1]]


def kinds_of(vocabulary: TagVocabulary) -> Mapping[str, str]:
    """Kind by tag: the vocabulary's own, or those of the everyday label system."""
    if vocabulary.kinds:
        return dict(zip(vocabulary.tags, vocabulary.kinds, strict=True))
    return everyday_kinds()


def everyday_kinds() -> Mapping[str, str]:
    """Kind of each tag of the everyday label system."""
    return _everyday()[0]


def everyday_hypernyms() -> Hypernyms:
    """Tags of the everyday label system that each of its tags implies."""
    return _everyday()[1]


@cache
def _everyday() -> tuple[dict[str, str], Hypernyms]:
    return load_kinds(package_file("labels/everyday/kinds.csv"))


def _left(scores: Sequence[TagScore], without: Collection[str]) -> list[TagScore]:
    return [score for score in scores if score.tag not in without]


def _changed(prediction: Prediction, scores: Mapping[str, TagScore]) -> Prediction:
    """The prediction with other probabilities of some tags."""
    probabilities = prediction.probabilities.copy()
    for tag, score in scores.items():
        probabilities[prediction.vocabulary.id(tag)] = score.probability
    return replace(prediction, probabilities=probabilities)
