"""Figure 10 of RAM++: word clouds of the categories of each set, sized by how many photos have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ram.errors import MissingPackageError

WIDTH, HEIGHT, TITLE, GAP = 640, 400, 44, 24
"""Pixels of a cloud, of the line under it, and between two."""
INK = "#0f1b2d"
COLOURS = ("#0f766e", "#0072B2", "#6d5bd0", "#b7791f", "#4a5a70")
COLUMNS = 2


def draw_clouds(counts: Mapping[str, Mapping[str, float]], png: Path, svg: Path, titles: Mapping[str, str]) -> None:
    """Draw one cloud for each set, two in a row.

    Args:
        counts: set to its categories with their numbers of photos; those without a photo are left out.
        png, svg: the files to write.
        titles: of each set.

    Raises:
        MissingPackageError: wordcloud is not installed.
    """
    clouds = {titles.get(name, name): _cloud(words) for name, words in counts.items()}
    rows = -(-len(clouds) // COLUMNS)
    size = (COLUMNS * WIDTH + GAP * (COLUMNS - 1), rows * (HEIGHT + TITLE))
    sheet, parts = Image.new("RGB", size, "white"), []
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    for index, (title, cloud) in enumerate(clouds.items()):
        left, top = index % COLUMNS * (WIDTH + GAP), index // COLUMNS * (HEIGHT + TITLE)
        sheet.paste(cloud.to_image(), (left, top))
        middle, line = left + WIDTH / 2, top + HEIGHT + TITLE / 2
        pen.text((middle, line), title, fill=INK, font=font, anchor="mm")
        parts.append(f'<svg x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}">{_inner(cloud.to_svg(True))}</svg>')
        parts.append(
            f'<text x="{middle}" y="{line}" text-anchor="middle" font-family="sans-serif" font-size="22" '
            f'fill="{INK}">{escape(title)}</text>'
        )
    sheet.save(png)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">'
    svg.write_text("\n".join((head, *parts, "</svg>\n")), encoding="utf-8")


def _cloud(counts: Mapping[str, float]) -> Any:
    try:
        from wordcloud import WordCloud
    except ImportError:
        raise MissingPackageError("word clouds need wordcloud: pip install -e '.[figures]'") from None
    words = {word: count for word, count in counts.items() if count > 0}
    cloud = WordCloud(
        width=WIDTH, height=HEIGHT, background_color="white", prefer_horizontal=0.95, random_state=0, max_words=200,
        relative_scaling=0.4, color_func=_colour,
    )  # fmt: skip
    return cloud.generate_from_frequencies(words)


def _colour(word: str, **_: Any) -> str:
    return COLOURS[sum(map(ord, word)) % len(COLOURS)]


def _inner(svg: str) -> str:
    """Return the content of the outermost element of an SVG document."""
    return re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
