"""HTML for the page, from plain values.

Whoever writes a text that comes from outside into HTML escapes it there and then: this module, those named after it
(`album_markup`, `versus_markup`, `why_markup`) and `downloads`. Everything else hands plain text to them, and their
HTML on to the page as it is.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from demo.core.categories import Categories
from demo.core.examples import Example
from demo.core.photos import Scores, Tagged
from demo.server.limits import Budget, Spent, Standing
from demo.views.save_links import plot_downloads, table_downloads
from ram.describers.base import Sense
from ram.prediction import TagScore, WeightedDescription

SHOWN_TAGS = 15
"""Tags listed at once; further ones unfold."""
NEXT_BEST = 6
"""Tags listed below their thresholds."""
SHOWN_DESCRIPTIONS = 6
"""Descriptions of a tag listed at once; the others unfold."""
THUMBNAIL = 192
"""Side of an example's thumbnail in pixels: twice what is shown, for sharp screens."""

LARGE = "ram-plus-swin-large"
"""The published model that tags photos of any kind."""
NO_PHOTO = "Choose a photo, and its tags appear here."


def header(labels: Mapping[str, str], tags: int) -> str:
    """The sentence that says what this is, which models are at work, and where a screen reader hears what changes."""
    models = "".join(f"<li><b>{escape(label)}</b> {escape(name)}</li>" for name, label in labels.items())
    return f"""<header class="masthead">
<h1>Open-set image tagging that shows its reasons</h1>
<ul class="models" aria-label="Models on this page">{models}</ul>
<p>Names what is in a photo, out of {tags:,} tags or anything you type, and shows which sentences and which parts of the
photo spoke for each name.</p>
<div class="unseen" id="said" role="status"></div>
</header>"""


def examples(photos: Sequence[Example]) -> str:
    """A strip of photos to choose from, with their makers below."""
    if not photos:
        return ""
    buttons = "".join(
        f'<button type="button" data-name="{escape(photo.path.name)}" title="{escape(photo.title)}">'
        f'<img src="{_thumbnail(photo.path)}" alt="{escape(photo.title)}"></button>'
        for photo in photos
    )
    credits = "".join(f"<li>{_credit(photo)}</li>" for photo in photos if photo.author)
    return f"""<div class="examples"><p class="hint" id="examples-hint">Or try one of these</p>
<div class="strip" role="group" aria-labelledby="examples-hint">{buttons}</div>
<details class="credits"><summary>Photo credits</summary><ul>{credits}</ul></details></div>"""


def scope(shipped: bool) -> str:
    """What the shipped models were trained on, and which one to choose for the rest; nothing of other models."""
    if not shipped:
        return ""
    return f"""<p class="hint scope">This small model learnt from 6,000 photos, mostly of people and dogs outdoors: of
others it often guesses. For photos of any kind, start the page with <code>--model {LARGE}</code>.</p>"""


def tags(tagged: Tagged, chosen: str = "") -> str:
    """Tags over their thresholds, and below them the next best; the chosen one is explained, the first where empty."""
    prediction = tagged.prediction
    present = prediction.above()
    others = prediction.next_best(NEXT_BEST)
    count = f"{len(present)} {'tag' if len(present) == 1 else 'tags'}" if present else "No tag"
    chosen = chosen or (present[0].tag if present else "")

    def listed(scores: Sequence[TagScore]) -> str:
        return "".join(_row(score, score.tag == chosen) for score in scores)

    rows = listed(present[:SHOWN_TAGS])
    if rest := present[SHOWN_TAGS:]:
        rows += f'<details class="more"><summary>{len(rest)} more</summary>{listed(rest)}</details>'
    faint = f"""<h3 class="divider">Next best, below the threshold</h3>
<div class="tag-rows faint" id="next-best">{listed(others)}</div>"""
    told = f"{count} over the threshold" + (": " + ", ".join(score.tag for score in present) if present else "")
    return f"""<p class="summary" data-said="{escape(told)}"><b>{count}</b> of {len(prediction):,} over the threshold,
in {tagged.seconds:.2f}&nbsp;s. The mark on a bar is the tag's threshold.</p>
<div class="tag-rows" id="present">{rows}</div>{faint if others else ""}
{table_downloads("tags", [{"tag": score.tag, **_cells(score)} for score in [*present, *others]], "these tags")}"""


def no_tags() -> str:
    """What stands in the place of the tags before there is a photo."""
    bars = "".join(f'<i style="width:{width}%"></i>' for width in (92, 81, 66, 54, 38, 27))
    return f'<div class="placeholder"><p>{NO_PHOTO}</p><div aria-hidden="true">{bars}</div></div>'


def categories(
    typed: Categories,
    scores: Scores,
    labels: Mapping[str, str],
    meanings: Mapping[str, Sequence[Sense]] | None = None,
) -> str:
    """A card for each typed category: its sentences as they come, then ordered by weight; and what it may mean."""
    known = meanings or {}
    cards = (_card(name, typed, scores, labels, known.get(name, ())) for name in typed.names)
    return f'<div class="cards">{"".join(cards)}</div>'


def comparison(scores: Scores, labels: Mapping[str, str]) -> str:
    """The plot, drawn twice: for wide screens and for narrow ones."""
    if not any(len(prediction) for prediction in scores.values()):
        return ""
    told = "; ".join(
        f"{tag}: " + ", ".join(f"{labels[model]} {scores[model][tag].probability:.2f}" for model in scores)
        for tag in next(iter(scores.values())).vocabulary.tags
    )
    rows = [
        {"category": score.tag, "model": labels[model], **_cells(score)}
        for model, prediction in scores.items()
        for score in prediction
    ]
    from demo.views.plots import (  # matplotlib: not needed for the page to open
        comparison_figure,
        stacked_figure,
        to_svg,
    )

    width = 400 * len(scores)
    return f"""<h2>{escape(" against ".join(labels[model] for model in scores))}</h2>
<figure class="comparison" aria-label="Probability of each category. {escape(told)}" data-said="{escape(told)}">
<div class="wide" style="max-width:{1.5 * width:.0f}px">{to_svg(comparison_figure(scores, labels, width))}</div>
<div class="narrow">{to_svg(stacked_figure(scores, labels))}</div>
<figcaption>Each bar is a probability, with the description that weighed most under it. The line across a bar is the
threshold; bars that stay below it are faint.</figcaption>{plot_downloads("categories")}</figure>
{table_downloads("categories", rows, "these numbers")}"""


def notice(sentences: Iterable[str], kind: str = "problem") -> str:
    """Sentences that must not be missed, or nothing; ``kind`` is "problem" or "hint"."""
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in dict.fromkeys(sentences))
    heard = 'role="alert"' if kind == "problem" else "data-said"
    return told and f'<div class="notice {kind}" {heard}>{told}</div>'


def shared(query: str, said: str) -> str:
    """A link to what this query names, completed by the browser, and what it opens."""
    return f"""<div class="shared">
<input readonly aria-label="Link to this view" data-query="{escape(query)}">
<p class="hint" data-said>{escape(said)}</p></div>"""


def allowance(standing: Standing) -> str:
    """How much of the language model is used today: by this visitor, and by all of the page's."""
    yours = _meter("Your language model today", standing.visitor, standing.visitor_budget)
    all_of_it = _meter("All visitors", standing.day, standing.day_budget)
    return f'<div class="allowance hint">{yours}{all_of_it}</div>'


def _meter(label: str, spent: Spent, budget: Budget) -> str:
    counts = ", ".join(
        f"{used:,}{f' of {most:,}' if most is not None else ''} {unit}"
        for used, most, unit in ((spent.requests, budget.requests, "requests"), (spent.tokens, budget.tokens, "tokens"))
    )
    share = budget.share(spent)
    return f"""<p>{label}: {counts}</p><span class="bar" role="meter" aria-label="{label}" aria-valuemin="0"
aria-valuemax="1" aria-valuenow="{share:.3f}" aria-valuetext="{counts}"><i style="width:{share:.1%}"></i></span>"""


def _cells(score: TagScore) -> dict[str, Any]:
    """What a table to take home says of a score: the description is the heaviest."""
    cells: dict[str, Any] = {"probability": round(score.probability, 4), "threshold": score.threshold}
    if score.descriptions:
        cells |= {"description": score.descriptions[0].text, "weight": round(score.descriptions[0].weight, 4)}
    return cells


def _row(score: TagScore, chosen: bool) -> str:
    name, side = escape(score.tag), "over" if score.present else "under"
    told = f"{score.probability:.2f}, {side} its threshold of {score.threshold:.2f}"
    pressed = str(chosen).lower()
    return f"""<button type="button" class="tag-row" data-tag="{name}" aria-pressed="{pressed}" title="{told}">
<span class="name">{name}</span>
<span class="bar"><i style="width:{score.probability:.1%}"></i><b style="left:{score.threshold:.1%}"></b></span>
<span class="value">{score.probability:.2f}</span></button>"""


def _card(name: str, typed: Categories, scores: Scores, labels: Mapping[str, str], meanings: Sequence[Sense]) -> str:
    sentences = typed.sentences.get(name, ())
    judged = {m: p[name] for m, p in scores.items() if name in p.vocabulary}
    ended = name in typed.finished
    if judged:
        chips = "".join(_chip(labels[model], score) for model, score in judged.items())
        chips += "" if ended else '<span class="status">describing…</span>'
        told = _descriptions(next(iter(judged.values())).descriptions)
    else:
        state = "" if ended else "describing…" if sentences else "waiting…"
        chips = state and f'<span class="status">{state}</span>'
        told = f'<ol class="descriptions">{"".join(f"<li>{escape(s.text)}</li>" for s in sentences)}</ol>'
    origins = " and ".join(dict.fromkeys(sentence.origin for sentence in sentences))
    count = f"{len(sentences)} {'sentence' if len(sentences) == 1 else 'sentences'} by {origins}" if sentences else ""
    if cached := sum(sentence.cached for sentence in sentences):
        count += f", {'all' if cached == len(sentences) else cached} from the cache, at no cost"
    return f"""<article class="card" data-category="{escape(name)}"><h3>{escape(name)}</h3>
<div class="chips">{chips}</div>{_meant(name, typed, meanings) if ended else ""}{told}
<p class="origin">{escape(count)}</p>
<button type="button" class="quiet" data-tag="{escape(name)}" aria-label="Why {escape(name)}, and edit its sentences"
{"" if sentences else "disabled"}>Why, and edit</button></article>"""


def _meant(name: str, typed: Categories, meanings: Sequence[Sense]) -> str:
    """The choice between the meanings of an ambiguous word."""
    if not meanings:
        return ""
    chosen = typed.senses.get(name, "")
    options = "".join(
        f'<option value="{escape(one.gloss)}"{" selected" if one.gloss == chosen else ""}>{escape(one.label)}: '
        f"{escape(one.gloss.partition(';')[0])}</option>"
        for one in meanings
    )
    return f"""<label class="meant">Meant as <select data-meaning-of="{escape(name)}"
aria-label="What {escape(name)} means"><option value="">any of its meanings</option>{options}</select></label>"""


def _chip(label: str, score: TagScore) -> str:
    kind = "present" if score.present else "absent"
    return f'<span class="chip {kind}">{escape(label)} <b>{score.probability:.2f}</b></span>'


def _descriptions(descriptions: Sequence[WeightedDescription]) -> str:
    """Heaviest first, each over its weight; what does not fit unfolds."""
    shown, rest = descriptions[:SHOWN_DESCRIPTIONS], descriptions[SHOWN_DESCRIPTIONS:]
    more = ""
    if rest:
        share = sum(d.weight for d in rest)
        more = f"""<details class="more"><summary>{len(rest)} more, together {share:.0%}</summary>
<ol class="descriptions" start="{len(shown) + 1}">{"".join(map(_description, rest))}</ol></details>"""
    return f'<ol class="descriptions">{"".join(map(_description, shown))}</ol>{more}'


def _description(description: WeightedDescription) -> str:
    return f"""<li class="weighted"><span>{escape(description.text)}</span>
<span class="bar"><i style="width:{description.weight:.1%}"></i></span>
<span class="value">{description.weight:.0%}</span></li>"""


def _credit(photo: Example) -> str:
    said = escape(photo.credit)
    return f'<a href="{escape(photo.source)}" target="_blank" rel="noopener">{said}</a>' if photo.source else said


def _thumbnail(path: Path) -> str:
    """A small square of a photo of ours, as a data address."""
    with Image.open(path) as picture:
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        square = picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), box=(left, top, left + side, top + side))
    kept = io.BytesIO()
    square.save(kept, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(kept.getvalue()).decode()}"
