"""HTML of why a tag was scored as it was: where the decoder looked, and the sentences, to be edited in place."""

from __future__ import annotations

import base64
import io
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from demo.core.categories import Categories
from demo.views.save_links import plot_downloads, table_downloads
from ram.describers.fallback import DescribedSentence
from ram.prediction import Explanation

SHOWN = 10
"""Sentences listed at once; the others unfold."""
HEAT_PIXELS = 192
"""Side of the heat map before the browser stretches it over the photo."""
HEAT_HEIGHT = 340
"""Of the photo under it on the page, in pixels, at most."""
HEAT = ((0.0, (8, 14, 30, 168)), (0.35, (60, 20, 90, 120)), (0.7, (226, 92, 46, 96)), (1.0, (255, 226, 120, 70)))
"""Share of the strongest attention -> colour and opacity: dark where the decoder did not look, clear where it did."""
Effect = tuple[float, float | None, float]
"""Of a sentence: its weight, the probability without it, and the present one."""
NOTHING = "Select a tag to see what spoke for it."


@dataclass(frozen=True)
class Why:
    """What the panel shows.

    Args:
        tag: the tag it is about.
        told: its sentences, and which of them are in use.
        explanation: of the photo on show; None without one.
        before: the probability before any editing, or None.
        order: places of the sentences as they are listed; further ones follow.
        shown: a JPEG of the photo.
    """

    tag: str
    told: Categories
    explanation: Explanation | None = None
    before: float | None = None
    order: Sequence[int] = ()
    shown: bytes = field(default=b"", repr=False)


def nothing() -> str:
    """What stands there before a tag is selected."""
    return f'<h2>Why this tag</h2><p class="hint">{NOTHING}</p>'


def why(why: Why) -> str:
    """The verdict, the heat map, and the sentences with their weights."""
    told = why.explanation
    return f"""<article class="why" data-tag="{escape(why.tag)}"><h2>Why “{escape(why.tag)}”</h2>
{_verdict(why) if told else '<p class="hint">Choose a photo to see what each sentence weighs.</p>'}
{_heat(why.tag, told, why.shown) if told else ""}{_sentences(why)}</article>"""


def _verdict(why: Why) -> str:
    assert why.explanation is not None
    score = why.explanation.score
    side = "over" if score.present else "under"
    moved = why.before is not None and _apart(why.before, score.probability)
    was = f" It was {why.before:.2f} before your edits." if moved else ""
    told = f"{score.probability:.2f}, {side} its threshold of {score.threshold:.2f}.{was}"
    return f"""<p class="verdict" data-said="{escape(score.tag)}: {told}"><b class="value">{score.probability:.2f}</b>
<span class="bar"><i style="width:{score.probability:.1%}"></i><b style="left:{score.threshold:.1%}"></b></span>
<span class="said">{side} its threshold of {score.threshold:.2f}.{was}</span></p>"""


def _apart(a: float, b: float) -> bool:
    """Do two probabilities differ as they are shown?"""
    return f"{a:.2f}" != f"{b:.2f}"


def _heat(tag: str, told: Explanation, shown: bytes) -> str:
    if not shown:
        return ""
    with Image.open(io.BytesIO(shown)) as opened:
        width, height = opened.size
    photo, size = base64.b64encode(shown).decode(), f'width="{width}" height="{height}"'
    return f"""<figure class="heat"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
style="width:min(100%, {HEAT_HEIGHT * width / height:.0f}px)" role="img"
aria-label="Attention of “{escape(tag)}” over the photo: {_place(told.attention)}">
<image href="data:image/jpeg;base64,{photo}" {size}/>
<image href="{heat_map(told.attention)}" {size} preserveAspectRatio="none"/></svg>
<figcaption>Bright is where the decoder looked for “{escape(tag)}” (attention of its last layer);
{told.pooled:.0%} of it went to the photo as a whole.</figcaption>
{plot_downloads(f"attention of {tag}", "this map")}</figure>"""


def heat_map(attention: np.ndarray) -> str:
    """(rows, columns) of attention as a small transparent picture, as a data address."""
    low, high = float(attention.min()), float(attention.max())
    share = (attention - low) / (high - low) if high > low else np.zeros_like(attention)
    smooth = Image.fromarray(share.astype(np.float32)).resize((HEAT_PIXELS, HEAT_PIXELS), Image.Resampling.BICUBIC)
    value = np.asarray(smooth).clip(0, 1)
    steps = [step for step, _ in HEAT]
    channels = [np.interp(value, steps, [colour[channel] for _, colour in HEAT]) for channel in range(4)]
    kept = io.BytesIO()
    Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8), "RGBA").save(kept, "PNG")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


def _place(attention: np.ndarray) -> str:
    """Where most of it went, in words: "most at the top left"."""
    row, column = (int(at) for at in np.unravel_index(int(attention.argmax()), attention.shape))
    down = ("top", "middle", "bottom")[row * 3 // attention.shape[0]]
    across = ("left", "centre", "right")[column * 3 // attention.shape[1]]
    return f"most at the {down} {across}"


def _sentences(why: Why) -> str:
    sentences, told = why.told.sentences.get(why.tag, ()), why.explanation
    off = why.told.off.get(why.tag, frozenset())
    effects = _effects(why)
    places = [*why.order, *range(len(why.order), len(sentences))]
    listed = [sentences[place] for place in places]
    rows = [
        _row(place, one.text, one.text not in off, effects.get(one.text))
        for place, one in zip(places, listed, strict=True)
    ]
    rest = rows[SHOWN:]
    more = f'<details class="more"><summary>{len(rest)} more</summary>{"".join(rest)}</details>'
    without = f"without it (now {told.score.probability:.2f})" if told else "without it"
    add = f"A sentence of your own for {escape(why.tag)}"
    return f"""<h3>The sentences behind it</h3>
<p class="hint">Switch one off, reword it or add your own: the score follows at once.</p>
<div class="editor"><p class="columns" aria-hidden="true"><span>weight</span><span>{without}</span></p>
{"".join(rows[:SHOWN])}{more if rest else ""}
<form class="add"><input type="text" data-key="add" maxlength="400" placeholder="Add a sentence: what does one see?"
aria-label="{add}"><button type="submit" data-key="more">Add</button></form></div>
{table_downloads(f"sentences of {why.tag}", _table(why.tag, listed, off, effects), "these sentences")}"""


def _effects(why: Why) -> dict[str, Effect]:
    """Of each sentence that is in use."""
    told = why.explanation
    if told is None:
        return {}
    used = why.told.used(why.tag)
    without = told.without.tolist() or [None] * len(told.weights)
    return {
        text: (float(weight), other, told.score.probability)
        for text, weight, other in zip(used, told.weights, without, strict=False)
    }


def _table(
    tag: str, listed: Sequence[DescribedSentence], off: Container[str], effects: Mapping[str, Effect]
) -> list[dict[str, Any]]:
    """A row a sentence, in the order on the page."""
    rows = []
    for sentence in listed:
        weight, without, present = effects.get(sentence.text, (None, None, None))
        figures = {"probability": present, "weight": weight, "probability without it": without}
        rows.append(
            {"tag": tag, "sentence": sentence.text, "by": sentence.origin, "used": sentence.text not in off}
            | {name: None if value is None else round(value, 4) for name, value in figures.items()}
        )
    return rows


def _row(place: int, text: str, on: bool, effect: Effect | None) -> str:
    name, number = escape(text), place + 1
    figures = '<span class="value">off</span>' if not on else ""
    if on and effect:
        weight, without, present = effect
        figures = f"""<span class="bar"><i style="width:{weight:.1%}"></i></span>
<span class="value"><span class="unseen">weight </span>{weight:.0%}</span>{_without(without, present)}"""
    return f"""<div class="sentence{"" if on else " off"}" role="group" aria-label="Sentence {number}">
<input type="checkbox" data-key="use-{place}" data-place="{place}"{" checked" if on else ""} aria-label="Use “{name}”">
<textarea rows="1" maxlength="400" data-key="text-{place}" data-place="{place}"
aria-label="Sentence {number}, editable">{name}</textarea>{figures}</div>"""


def _without(without: float | None, present: float) -> str:
    if without is None:
        return '<span class="without">–</span>'
    kind = "same" if not _apart(without, present) else "falls" if without < present else "rises"
    sign = {"same": "", "falls": "▼ ", "rises": "▲ "}[kind]
    return f"""<span class="without {kind}"><span class="unseen">probability without it </span><span
aria-hidden="true">{sign}</span>{without:.2f}</span>"""
