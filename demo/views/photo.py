"""The section of one photo: examples, tags, and the visitor's own categories."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from demo.core.categories import Categories
from demo.core.examples import Example
from demo.core.exports import export_table, score_row
from demo.core.photos import Photo, Scores
from demo.views.render import data_address, render
from ram.describers.base import Sense
from ram.describers.fallback import DescribedSentence
from ram.prediction import Prediction, TagScore

SHOWN_TAGS = 15
"""Tags listed at once; further ones unfold."""
SHOWN_IF_UNLIKE = 5
"""Tags listed at once of a photo that is unlike those of training; the others unfold, and no next best follow."""
NEXT_BEST = 6
"""Tags listed below their thresholds."""
SHOWN_DESCRIPTIONS = 6
"""Descriptions of a tag listed at once; the others unfold."""
THUMBNAIL = 192
"""Side of an example's thumbnail in pixels: twice its size on the page, for sharp screens."""

LARGE = "ram-plus-swin-large"
"""The published model that tags photos of any kind."""
NO_PHOTO = "Choose a photo, and its tags appear here."


@dataclass(frozen=True)
class Card:
    """Values on the card of one typed category.

    Args:
        name: the category.
        scores: label of each model that has scored it, and its score; the main model first.
        status: "describing…" or "waiting…" while sentences are still to come, else "".
        sentences: its sentences so far.
        origin: how many sentences it has and who wrote them.
        meanings: what the word may mean, where it means several things.
        gloss: the meaning that was chosen, or "".
        listed: its score in the list of tags, where it is among them with other sentences.
    """

    name: str
    scores: Sequence[tuple[str, TagScore]]
    status: str
    sentences: Sequence[DescribedSentence]
    origin: str
    meanings: Sequence[Sense]
    gloss: str
    listed: TagScore | None = None


def examples(photos: Sequence[Example]) -> str:
    """A strip of photos to choose from, with their authors below."""
    if not photos:
        return ""
    return render("photo", "examples", photos=[(photo, _thumbnail(photo.path)) for photo in photos])


def choose() -> str:
    """Buttons that choose another photo and, on phones, take one."""
    return render("photo", "choose")


def scope(shipped: bool) -> str:
    """Render a note on the training data of the shipped models; nothing for other models."""
    return render("photo", "scope", larger_model=LARGE) if shipped else ""


def tags(
    photo: Photo, chosen: str = "", edited: Mapping[str, TagScore] | None = None,
    typed: Mapping[str, TagScore] | None = None,
) -> str:  # fmt: skip
    """Tags over their thresholds and the next best; edited and typed ones are always listed.

    A photo that is unlike those the model was taught on gets a badge and a shorter list.

    Args:
        photo: that a model has tagged.
        chosen: the tag that is marked; the first where it is empty.
        edited: scores of tags with edited sentences, by tag; they replace those of the photo.
        typed: scores of tags that were typed too and have other sentences there; they stand beside those of the photo.
    """
    edited, typed = edited or {}, typed or {}
    assert photo.prediction is not None
    prediction = _changed(photo.prediction, edited)
    present = [edited.get(score.tag, score) for score in prediction.above()]
    next_best = [edited.get(score.tag, score) for score in prediction.next_best(0 if prediction.unlike else NEXT_BEST)]
    listed = {score.tag for score in [*present, *next_best]}
    next_best += [edited.get(tag, prediction[tag]) for tag in {**edited, **typed} if tag not in listed]
    rows = [{"tag": score.tag, **score_row(score)} for score in [*present, *next_best]]
    return render(
        "photo", "tags", present=present, next_best=next_best, total=len(prediction), seconds=photo.tagged_in,
        chosen=chosen or (present[0].tag if present else ""), edited=edited, typed=typed, unlike=prediction.unlike,
        shown_at_once=SHOWN_IF_UNLIKE if prediction.unlike else SHOWN_TAGS, files=export_table("tags", rows),
    )  # fmt: skip


def no_tags() -> str:
    """Render the placeholder of the tags before there is a photo."""
    return render("photo", "no_tags", sentence=NO_PHOTO)


def cards(
    typed: Categories,
    scores: Scores,
    labels: Mapping[str, str],
    meanings: Mapping[str, Sequence[Sense]] | None = None,
    listed: Mapping[str, TagScore] | None = None,
) -> str:
    """A card for each typed category: sentences as they come, then ordered by weight, and its possible meanings.

    Args:
        typed: the categories.
        scores: by model name.
        labels: of the models, by name.
        meanings: by category, where it has several.
        listed: scores in the list of tags of categories that have other sentences there.
    """
    known, listed = meanings or {}, listed or {}
    all_cards = [_card(name, typed, scores, labels, known.get(name, ()), listed.get(name)) for name in typed.names]
    return render("photo", "cards", cards=all_cards, shown_at_once=SHOWN_DESCRIPTIONS)


def plot(scores: Scores, labels: Mapping[str, str]) -> str:
    """The probabilities of typed categories by model, or nothing where there are none."""
    if not any(len(prediction) for prediction in scores.values()):
        return ""
    from demo.views.plots import comparison_figure, stacked_figure, to_svg  # matplotlib takes a second to import

    spoken = "; ".join(
        f"{tag}: " + ", ".join(f"{labels[model]} {scores[model][tag].probability:.2f}" for model in scores)
        for tag in next(iter(scores.values())).vocabulary.tags
    )
    rows = [
        {"category": score.tag, "model": labels[model], **score_row(score)}
        for model, prediction in scores.items()
        for score in prediction
    ]
    width = 400 * len(scores)
    return render(
        "photo", "plot", models=[labels[model] for model in scores], spoken=spoken,
        wide=to_svg(comparison_figure(scores, labels, width)), narrow=to_svg(stacked_figure(scores, labels)),
        max_width=3 * width // 2, files=export_table("categories", rows),
    )  # fmt: skip


def _changed(prediction: Prediction, scores: Mapping[str, TagScore]) -> Prediction:
    """The prediction with other probabilities of some tags."""
    probabilities = prediction.probabilities.copy()
    for tag, score in scores.items():
        probabilities[prediction.vocabulary.id(tag)] = score.probability
    return replace(prediction, probabilities=probabilities)


def _card(
    name: str, typed: Categories, scores: Scores, labels: Mapping[str, str], meanings: Sequence[Sense],
    listed: TagScore | None,
) -> Card:  # fmt: skip
    sentences, finished = typed.sentences.get(name, ()), name in typed.finished
    scored = [(labels[m], p[name]) for m, p in scores.items() if name in p.vocabulary]
    status = "" if finished else "describing…" if sentences else "waiting…"
    known = meanings if finished else ()
    origin = _origin(sentences) + (", edited" if typed.is_edited(name) else "")
    return Card(name, scored, status, sentences, origin, known, typed.senses.get(name, ""), listed)


def _origin(sentences: Sequence[DescribedSentence]) -> str:
    """ "6 sentences by lexicon and you, 2 from the cache, at no cost"."""
    if not sentences:
        return ""
    authors = " and ".join(dict.fromkeys(sentence.origin for sentence in sentences))
    origin = f"{len(sentences)} {'sentence' if len(sentences) == 1 else 'sentences'} by {authors}"
    cached = sum(sentence.cached for sentence in sentences)
    return origin + (f", {'all' if cached == len(sentences) else cached} from the cache, at no cost" if cached else "")


def _thumbnail(path: Path) -> str:
    """A small square of an example photo, as a data address."""
    with Image.open(path) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").resize((THUMBNAIL, THUMBNAIL), box=(left, top, left + side, top + side))
    jpeg = io.BytesIO()
    square.save(jpeg, "JPEG", quality=80)
    return data_address(jpeg.getvalue(), "image/jpeg")
