"""A report of a cleaning: counts of every tag, and thumbnails of what went and what stayed."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from ram.errors import ImageError
from ram.images.opening import open_image
from ram.regions.region import WHOLE, Box
from ram.runtime import atomic_write
from ram.text.files import listed_path, package_file, write_json
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.region_cleaning import Struck, counts
from ram.training.data_engine.region_looks import Pair, RegionLooks

PAGE = package_file("training/data_engine/cleaning_report.html")
SIDE = 112
"""Pixels of a thumbnail."""
MOST_TAGS, MOST_SHOWN = 40, 8
"""Tags with thumbnails, those that lost most first, and thumbnails of a tag on either side."""


def write_report(
    folder: Path,
    summary: str,
    triplets: Sequence[dict[str, Any]],
    labels: TagVocabulary,
    looks: RegionLooks,
    struck: Struck,
    pictures: Path,
) -> Path:
    """Write ``index.html``, one static page, and ``report.json``, and return the page.

    Args:
        folder: that both go to.
        summary: a sentence about the whole.
        triplets: before the cleaning.
        labels: the label system.
        looks: the regions with their boxes.
        struck: what went.
        pictures: folder to which image paths are relative.
    """
    table = counts(triplets, labels, struck)
    rows = looks.rows_of_tags()
    entries = [_entry(one["tag"], rows.get(labels.id(one["tag"]), {}), triplets, looks, struck) for one in table]
    entries = sorted((one for one in entries if one["gone"]), key=lambda one: -len(one["gone"]))
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", {"summary": summary, "counts": table, "tags": entries}, indent=1)
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(
        summary=escape(summary),
        heading="".join(f"<th>{escape(name)}</th>" for name in (table[0] if table else ())),
        counts="\n".join(_line(row) for row in table[: 5 * MOST_TAGS]),
        tags="\n".join(_section(entry, pictures) for entry in entries[:MOST_TAGS]),
    )
    with atomic_write(folder / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return folder / "index.html"


def _entry(
    tag: str, rows: Mapping[Pair, list[int]], triplets: Sequence[dict[str, Any]], looks: RegionLooks, struck: Struck
) -> dict[str, Any]:
    """All pairs of a tag that went, the least likely first, and some that stayed, evenly spread."""
    best = {pair: max(own, key=lambda row: looks.probabilities[row]) for pair, own in rows.items()}
    order = sorted(best, key=lambda pair: looks.probabilities[best[pair]])
    stayed = [pair for pair in order if pair not in struck.pairs]
    spread = sorted({round(at) for at in np.linspace(0, len(stayed) - 1, MOST_SHOWN)}) if stayed else []

    def described(pair: Pair) -> dict[str, Any]:
        row = best[pair]
        reasons = {"outlying": struck.outlying, "unseen": struck.unseen}
        return {
            "image": triplets[pair[0]]["image_path"],
            "probability": round(float(looks.probabilities[row]), 4),
            "box": [round(float(side), 4) for side in (looks.boxes[row] if looks.boxes else WHOLE)],
            "reasons": [name for name, pairs in reasons.items() if pair in pairs],
        }

    gone = [described(pair) for pair in order if pair in struck.pairs]
    return {"tag": tag, "gone": gone, "stayed": [described(stayed[at]) for at in spread]}


def _line(row: Mapping[str, Any]) -> str:
    return f"<tr>{''.join(f'<td>{escape(str(value))}</td>' for value in row.values())}</tr>"


def _section(entry: Mapping[str, Any], pictures: Path) -> str:
    parts = [f"<h2>{escape(entry['tag'])}</h2>"]
    rest = "stayed, such as" if entry["stayed"] else "none stayed"
    for kind, title in (("gone", f"{len(entry['gone'])} went"), ("stayed", rest)):
        shown = [_figure(one, pictures) for one in entry[kind][:MOST_SHOWN]]
        parts.append(f'<div class="row {kind}"><h3>{title}</h3>{"".join(shown)}</div>')
    return "\n".join(parts)


def _figure(one: Mapping[str, Any], pictures: Path) -> str:
    reasons = f", {' and '.join(one['reasons'])}" if one["reasons"] else ""
    image, caption = escape(one["image"], quote=True), f"{one['probability']:.2f}{reasons}"
    try:
        source = _thumbnail(listed_path(pictures, one["image"]), one["box"])
    except ImageError as error:
        return f"<figure><figcaption>{escape(str(error))}</figcaption></figure>"
    return f'<figure><img src="{source}" alt="{image}"><figcaption title="{image}">{caption}</figcaption></figure>'


def _thumbnail(path: Path, box: Sequence[float]) -> str:
    """The region as a JPEG in a data URI."""
    cut = Box(*box).crop(open_image(path))
    cut.thumbnail((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
    written = io.BytesIO()
    cut.convert("RGB").save(written, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"
