"""Typed categories: a row for each beside the photo; on asking, cards with all sentences and a plot of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from demo.core.categories import BY_VISITOR, Categories
from demo.core.exports import export_table, score_row
from demo.core.photos import Scores
from demo.core.texts import Text, say
from demo.core.verdicts import verdict
from demo.views.render import render
from demo.views.spoken import spoken_list, spoken_plot, spoken_probabilities
from ram.describers.base import Sense
from ram.describers.fallback import DescribedSentence
from ram.prediction import TagScore

SHOWN_DESCRIPTIONS = 6
"""Descriptions of a tag listed at once; the others unfold."""


@dataclass(frozen=True)
class Typed:
    """Values of one typed category.

    Args:
        name: the category.
        scores: label of each model that has scored it, and its score; the main model first.
        status: "describing…" or "waiting…" while sentences are still to come, else "".
        sentences: its sentences so far.
        origin: how many sentences it has and who wrote them, in parts.
        edited: whether the visitor has changed its sentences.
        meanings: what the word may mean, where it means several things.
        gloss: the meaning that was chosen, or "".
        listed: its score as a predefined tag, where it is one and has other sentences there.
    """

    name: str
    scores: Sequence[tuple[str, TagScore]]
    status: str
    sentences: Sequence[DescribedSentence]
    origin: Sequence[Text]
    edited: bool
    meanings: Sequence[Sense]
    gloss: str
    listed: TagScore | None = None

    @property
    def main(self) -> TagScore | None:
        """The main model's score."""
        return self.scores[0][1] if self.scores else None

    @property
    def verdict(self) -> str:
        """In a word; a predefined tag is judged by its own sentences, for which its threshold was chosen."""
        return verdict(self.judged) if self.judged else ""

    @property
    def judged(self) -> TagScore | None:
        """The score that the verdict is about."""
        return (self.listed or self.main) if self.main else None

    @property
    def marks(self) -> list[tuple[str, float]]:
        """Label and probability of each model's mark; the main model's is the score that the verdict is about."""
        judged = [self.judged] if self.judged else []
        scores = [*judged, *(score for _, score in self.scores[1:])]
        return [(label, score.probability) for (label, _), score in zip(self.scores, scores, strict=True)]

    @property
    def best(self) -> str:
        """The heaviest description, or the last one written while there is no score."""
        if self.main and self.main.descriptions:
            return self.main.descriptions[0].text
        return self.sentences[-1].text if self.sentences else ""

    @property
    def spoken(self) -> Text:
        """ "corgi: RAM++ 0.93, RAM 0.41"."""
        return spoken_probabilities(self.name, [(label, score.probability) for label, score in self.scores])


def typed_categories(
    typed: Categories,
    scores: Scores,
    labels: Mapping[str, str],
    meanings: Mapping[str, Sequence[Sense]] | None = None,
    listed: Mapping[str, TagScore] | None = None,
) -> list[Typed]:
    """The values of each typed category.

    Args:
        typed: the categories.
        scores: by model name, the main one first.
        labels: of the models, by name.
        meanings: by category, where it has several.
        listed: scores as predefined tags of categories that have other sentences there.
    """
    known, listed = meanings or {}, listed or {}
    return [_typed(name, typed, scores, labels, known.get(name, ()), listed.get(name)) for name in typed.names]


def rows(categories: Sequence[Typed], labels: Mapping[str, str], hint: str = "") -> str:
    """A row for each typed category: the verdict, the models as marks on one bar, and the heaviest description.

    Args:
        categories: in the order typed.
        labels: of the models, by name.
        hint: a sentence below them, such as what is missing for a score.
    """
    if not categories:
        return ""
    ready = all(one.scores and not one.status for one in categories)
    spoken = spoken_list([one.spoken for one in categories]) if ready else ""
    legend = [label for label in labels.values() if any(label == name for one in categories for name, _ in one.scores)]
    return render("typed", "rows", categories=categories, legend=legend, hint=hint, spoken=spoken)


def asker(labels: Mapping[str, str], shown: bool) -> str:
    """The button that shows the plot and the cards, or hides them."""
    return render("typed", "asker", models=list(labels.values()), shown=shown)


def cards(categories: Sequence[Typed]) -> str:
    """A card for each typed category with all its descriptions, ordered by weight once they are scored."""
    return render("typed", "cards", cards=categories, shown_at_once=SHOWN_DESCRIPTIONS)


def plot(scores: Scores, labels: Mapping[str, str]) -> str:
    """The probabilities of typed categories by model, or nothing where there are none."""
    if not any(len(prediction) for prediction in scores.values()):
        return ""
    from demo.views.plots import comparison_figure, stacked_figure, to_svg  # matplotlib takes a second to import

    spoken = spoken_plot(scores, labels)
    table = [
        {"category": score.tag, "model": labels[model], **score_row(score)}
        for model, prediction in scores.items()
        for score in prediction
    ]
    width = 400 * len(scores)
    return render(
        "typed", "plot", models=[labels[model] for model in scores], spoken=spoken,
        wide=to_svg(comparison_figure(scores, labels, width)), narrow=to_svg(stacked_figure(scores, labels)),
        max_width=3 * width // 2, files=export_table("categories", table),
    )  # fmt: skip


def suggestions(words: Sequence[str]) -> str:
    """Categories to try, one click each; nothing where there are none."""
    return render("typed", "suggestions", words=words) if words else ""


def _typed(
    name: str, typed: Categories, scores: Scores, labels: Mapping[str, str], meanings: Sequence[Sense],
    listed: TagScore | None,
) -> Typed:  # fmt: skip
    sentences, finished = typed.sentences.get(name, ()), name in typed.finished
    scored = [(labels[m], p[name]) for m, p in scores.items() if name in p.vocabulary]
    status = "" if finished else say("describing" if sentences else "waiting")
    edited = typed.is_edited(name)
    origin = [*_origin(sentences), *([say("and_edited")] if edited else [])]
    gloss = typed.senses.get(name, "")
    return Typed(name, scored, status, sentences, origin, edited, meanings if finished else (), gloss, listed)


def _origin(sentences: Sequence[DescribedSentence]) -> list[Text]:
    """ "6 sentences by lexicon and you" and ", 2 from the cache, at no cost"."""
    if not sentences:
        return []
    written_by = dict.fromkeys(sentence.origin for sentence in sentences)
    authors = reduce(lambda others, last: say("and", others=others, last=last), map(_author, written_by))
    origin = [say("sentences_by", count=len(sentences), authors=authors)]
    if cached := sum(sentence.cached for sentence in sentences):
        origin.append(say("all_cached") if cached == len(sentences) else say("count_cached", count=cached))
    return origin


def _author(origin: str) -> str:
    """A describer's name, or the visitor."""
    return say("by_you") if origin == BY_VISITOR else origin
