"""The Why panel: what a score is made of, what it loses without parts of the photo, and the editable sentences."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from demo.core.categories import Categories
from demo.core.exports import export_table
from demo.core.texts import Text, say
from demo.views.heat import heat
from demo.views.page import introduction
from demo.views.render import render
from ram.prediction import Evidence, Explanation, TagScore
from ram.regions.occlusion import OcclusionMap
from ram.regions.region import Box

SHOWN_SENTENCES = 10
"""Sentences listed at once; the others unfold."""
TERMS = ("decoder", "pooled", "classifier")
"""Terms of the logit that the page has a name for and says what they do."""


@dataclass(frozen=True)
class Why:
    """Values on the panel.

    Args:
        tag: that is explained.
        categories: holds its sentences and which of them are in use.
        explanation: for the present photo; None without one.
        before: probability before any editing, or None.
        order: indices of the sentences in the order they are listed; further ones follow.
        photo: JPEG of the photo.
        unnamed: probability without all sentences that only say the name, or None.
        heat: the heat map; None where there is none, or none yet.
        drawing: whether the heat map is still being drawn.
        box: around the tag's object on the photo; None where none is asked for.
    """

    tag: str
    categories: Categories
    explanation: Explanation | None = None
    before: float | None = None
    order: Sequence[int] = ()
    photo: bytes = field(default=b"", repr=False)
    unnamed: float | None = None
    heat: OcclusionMap | None = None
    drawing: bool = False
    box: Box | None = None


@dataclass(frozen=True)
class Row:
    """A sentence as it is listed: weight and probability without it are None where they are not known."""

    index: int
    text: str
    origin: str
    enabled: bool
    weight: float | None = None
    without: float | None = None
    change: str = "same"


@dataclass(frozen=True)
class ByName:
    """The sentences that only put the name into a template, folded into one line.

    Args:
        rows: the sentences.
        weight: the sum of their weights; None where they are not known.
        without: probability without all of them, or None.
        change: "falls", "rises" or "same": the probability without them against the present one.
    """

    rows: Sequence[Row]
    weight: float | None = None
    without: float | None = None
    change: str = "same"

    @property
    def disabled(self) -> int:
        """Number of these sentences that are switched off."""
        return sum(not row.enabled for row in self.rows)


@dataclass(frozen=True)
class Term:
    """A term of the logit: its share is of the lengths of all terms together."""

    name: str
    value: float
    share: float
    decisive: bool

    @property
    def label(self) -> str:
        return say(f"term_{self.name}") if self.name in TERMS else self.name.capitalize()

    @property
    def meaning(self) -> str:
        return say(f"term_{self.name}_does") if self.name in TERMS else ""

    @property
    def signed(self) -> str:
        return _signed(self.value)


def nothing() -> str:
    """Render the panel before a tag is selected."""
    return introduction(say("why_heading"), say("select_a_tag"))


def why(shown: Why) -> str:
    """The verdict, the terms of the score, the heat map, and the sentences with their weights."""
    explanation = shown.explanation
    rows = _rows(shown)
    return render(
        "why", "why", tag=shown.tag, photo=_key(shown.photo), edited=shown.categories.is_edited(shown.tag),
        verdict=explanation and _verdict(explanation.score, shown.before),
        evidence=explanation and explanation.score.evidence and _evidence(explanation.score),
        heat=_heat(explanation.score, shown) if explanation and (shown.heat or shown.drawing) else None,
        sentences=_sentences(shown, rows),
    )  # fmt: skip


def decision(score: TagScore, evidence: Evidence) -> Text:
    """A sentence that says which term of the logit decided the verdict."""
    term = say(f"term_small_{evidence.decisive}") if evidence.decisive in TERMS else evidence.decisive
    values = dict(evidence.terms)
    if len(values) == 1:
        return say("score_from_alone", term=term)
    alone = _sigmoid(values[evidence.decisive])
    if (alone > score.threshold) == score.present and evidence.decisive == "decoder":
        return say("decided_on_its_own", term=term, alone=f"{alone:.2f}")
    without = _sigmoid(evidence.logit - values[evidence.decisive])
    return say("decided_without", term=term, without=f"{without:.2f}")


def _verdict(score: TagScore, before: float | None) -> dict[str, Any]:
    key = "over_threshold_of" if score.present else "under_threshold_of"
    was = None
    if before is not None and _differ(before, score.probability):
        was = say("was_before", before=f"{before:.2f}")
    text = say(key, threshold=f"{score.threshold:.2f}")
    return {"probability": score.probability, "threshold": score.threshold, "text": text, "was": was}


def _evidence(score: TagScore) -> dict[str, Any]:
    evidence = score.evidence
    assert evidence is not None
    total = sum(abs(value) for _, value in evidence.terms) or 1.0
    terms = [Term(name, value, abs(value) / total, name == evidence.decisive) for name, value in evidence.terms]
    listed = [say("term_and_value", term=term.label, value=term.signed) for term in terms]
    listed.append(say("term_and_value", term=say("sum"), value=_signed(evidence.logit)))
    return {
        "terms": terms,
        "bar": sorted(terms, key=lambda term: term.value >= 0),
        "sum": _signed(evidence.logit),
        "probability": score.probability,
        "spoken": reduce(lambda first, rest: say("spoken_list", first=first, rest=rest), listed),
        "sentence": decision(score, evidence),
    }


def _heat(score: TagScore, shown: Why) -> dict[str, Any]:
    return heat(shown.photo, shown.heat, score.logit, shown.box)


def _rows(shown: Why) -> list[Row]:
    """A row for each sentence, in the order they are listed."""
    sentences, explanation = shown.categories.sentences.get(shown.tag, ()), shown.explanation
    disabled = shown.categories.disabled.get(shown.tag, frozenset())
    figures: dict[str, tuple[float, float | None, str]] = {}
    if explanation is not None:
        texts, present = shown.categories.enabled(shown.tag), explanation.score.probability
        without = explanation.without.tolist() or [None] * len(explanation.weights)
        for text, weight, other in zip(texts, explanation.weights.tolist(), without, strict=False):
            figures[text] = weight, other, _change(other, present)
    rows = []
    for index in [*shown.order, *range(len(shown.order), len(sentences))]:
        text, origin = sentences[index].text, sentences[index].origin
        on = text not in disabled
        rows.append(Row(index, text, origin, on, *(figures[text] if on and text in figures else ())))
    return rows


def _sentences(shown: Why, rows: Sequence[Row]) -> dict[str, Any]:
    """The rows to list, those that only say the name in one line after the others, and all of them as files."""
    names = set(shown.categories.by_name(shown.tag))
    folded = [row for row in rows if row.text in names]
    by_name = None
    if folded:
        weights = [row.weight for row in folded if row.weight is not None]
        present = shown.explanation.score.probability if shown.explanation else 0.0
        total = sum(weights) if weights else None
        by_name = ByName(folded, total, shown.unnamed, _change(shown.unnamed, present))
    listed = [row for row in rows if row.text not in names]
    return {"rows": listed, "by_name": by_name, "shown_at_once": SHOWN_SENTENCES, "files": _files(shown, rows)}


def _files(shown: Why, rows: Sequence[Row]) -> Sequence[Any]:
    """The sentences as a table to download."""
    probability = shown.explanation.score.probability if shown.explanation else 0.0
    columns = [
        {
            "tag": shown.tag, "sentence": row.text, "by": row.origin, "used": row.enabled,
            "probability": None if row.weight is None else round(probability, 4),
            "weight": None if row.weight is None else round(row.weight, 4),
            "probability without it": None if row.without is None else round(row.without, 4),
        }
        for row in rows
    ]  # fmt: skip
    return export_table(f"sentences of {shown.tag}", columns)


def _key(photo: bytes) -> str:
    """A short name of a photo, by which the browser tells photos apart."""
    return hashlib.blake2b(photo, digest_size=8).hexdigest() if photo else ""


def _differ(a: float, b: float) -> bool:
    """Whether two probabilities differ as they are shown."""
    return f"{a:.2f}" != f"{b:.2f}"


def _change(without: float | None, present: float) -> str:
    """Whether the probability falls or rises, as it is shown, or stays the same."""
    if without is None or not _differ(without, present):
        return "same"
    return "falls" if without < present else "rises"


def _signed(value: float) -> str:
    """ "+1.20" or "−0.45"."""
    return f"{value:+.2f}".replace("-", "−")


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
