"""HTML of models against each other: what it shows, the plot, the table behind it, and the time of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from demo.core.comparison import Versus
from demo.views.save_links import plot_downloads, table_downloads


def introduction(labels: Mapping[str, str], absent: Sequence[str] = ()) -> str:
    """What is compared, and which models are not on this machine."""
    missing = "".join(f'<p class="hint">{escape(sentence)}</p>' for sentence in absent)
    return f"""<h2>{escape(" against ".join(labels.values()))}</h2>
<p class="hint">On the photo and the categories of the first section, the largest disagreements first.</p>{missing}"""


def versus(found: Versus, labels: Mapping[str, str]) -> str:
    """Paired bars, the numbers behind them, and what they cost."""
    from demo.views.album_plots import paired_figure  # matplotlib: not needed for the page to open
    from demo.views.plots import to_svg

    rows = [{labels.get(name, name): value for name, value in row.items()} for row in found.rows()]
    shown = f"The {len(rows)} of {found.of:,} that are furthest apart. " if len(rows) < found.of else ""
    told = "; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows)
    return f"""<figure class="comparison" aria-label="Probabilities by model. {escape(told)}">
<div class="wide">{to_svg(paired_figure(found.scores, labels))}</div>
<div class="narrow">{to_svg(paired_figure(found.scores, labels, 230))}</div>
<figcaption data-said>{shown}Each bar is a probability; the line across it is the model's threshold, and bars that stay
below it are faint.</figcaption>{plot_downloads("models compared")}</figure>
{table_downloads("models compared", rows, "these numbers")}{_timing(found, labels)}"""


def _timing(found: Versus, labels: Mapping[str, str]) -> str:
    rows = [
        {"model": labels[model], "look": round(found.look[model], 4), "score": round(found.score[model], 4)}
        for model in found.scores
    ]
    cells = "".join(
        f'<tr><th scope="row">{escape(str(row["model"]))}</th>'
        f"<td>{row['look']:.3f} s</td><td>{row['score']:.3f} s</td></tr>"
        for row in rows
    )
    return f"""<table class="plain timing" aria-label="Time of each model"><caption>Time on this machine: a model
looks at a photo once, and scores it again for whatever is asked</caption>
<thead><tr><th scope="col">Model</th><th scope="col">Look</th>
<th scope="col">Score {found.of:,} {"category" if found.of == 1 else "categories"}</th></tr></thead>
<tbody>{cells}</tbody></table>{table_downloads("time of each model", rows, "these times")}"""
