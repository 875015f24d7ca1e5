"""A picture card: photo, tags and the reasons for them as one PNG, in the font that comes with matplotlib."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from demo.core.verdicts import verdict
from ram.prediction import TagScore

WIDTH, MARGIN = 1200, 48
"""Width of the card and of the margin around its content, in pixels."""
PHOTO = 620
"""Greatest height of the photo."""
SHOWN = 8
"""Tags on a card, the most probable ones."""
MAX_LINES = 2
"""Lines of a name, and of a sentence; what is longer ends in "…"."""
VERDICT, VALUE = 130, 90
"""Width of the columns of verdicts and of probabilities."""
NAME_SIZE, TEXT_SIZE, LINE = 30, 23, 1.3
BACK, INK, MUTED, ACCENT, TRACK = "#ffffff", "#0f1b2d", "#4a5a70", "#0f766e", "#e6ebf1"

Font = ImageFont.FreeTypeFont


def draw_card(photo: Image.Image, scores: Sequence[TagScore], model: str) -> bytes:
    """A PNG with the photo on top and a row for each tag: verdict, name, probability and heaviest description.

    Args:
        photo: any size; it is fitted into the card.
        scores: tags over their thresholds and typed categories, in the order of the card; the first few are drawn.
        model: its name, for the last line.
    """
    room = WIDTH - 2 * MARGIN - VERDICT - VALUE
    rows = [_Row(score, room) for score in scores[:SHOWN]]
    fitted = photo.convert("RGB")
    fitted.thumbnail((WIDTH - 2 * MARGIN, PHOTO))
    top: float = MARGIN + fitted.height + 28
    height = top + sum(row.height for row in rows) + TEXT_SIZE + MARGIN + 20
    card = Image.new("RGB", (WIDTH, round(height)), BACK)
    card.paste(fitted, ((WIDTH - fitted.width) // 2, MARGIN))
    pen = ImageDraw.Draw(card)
    for row in rows:
        row.draw(pen, top)
        top += row.height
    said = f"Tagged by {model}" if rows else f"{model} found no tag in this photo"
    pen.text((MARGIN, top + 14), said, MUTED, _font(TEXT_SIZE))
    png = io.BytesIO()
    card.save(png, "PNG", optimize=True)
    return png.getvalue()


class _Row:
    """A tag with its lines wrapped to a width in pixels."""

    def __init__(self, score: TagScore, room: float) -> None:
        self.score = score
        self.names = wrap(score.tag, _font(NAME_SIZE, bold=True), room)
        reason = score.descriptions[0].text if score.descriptions else ""
        self.reasons = wrap(reason, _font(TEXT_SIZE), room)
        self.height = LINE * (NAME_SIZE * len(self.names) + TEXT_SIZE * len(self.reasons)) + 22

    def draw(self, pen: ImageDraw.ImageDraw, top: float) -> None:
        score, left = self.score, MARGIN + VERDICT
        colour = ACCENT if score.present else MUTED
        pen.text((MARGIN, top + 4), verdict(score), colour, _font(TEXT_SIZE + 2))
        value = f"{score.probability:.2f}"
        pen.text((WIDTH - MARGIN, top), value, INK, _font(NAME_SIZE, bold=score.present), anchor="ra")
        for text in self.names:
            pen.text((left, top), text, INK, _font(NAME_SIZE, bold=True))
            top += LINE * NAME_SIZE
        for text in self.reasons:
            pen.text((left, top), text, MUTED, _font(TEXT_SIZE))
            top += LINE * TEXT_SIZE
        bar, right = top + 4, WIDTH - MARGIN
        pen.rectangle((left, bar, right, bar + 5), TRACK)
        pen.rectangle((left, bar, left + (right - left) * score.probability, bar + 5), colour)


def wrap(text: str, font: Font, room: float) -> list[str]:
    """Lines no wider than ``room`` pixels, at most :data:`MAX_LINES`; a word that is too long is broken."""
    lines = [""] if text else []
    for word in _pieces(text, font, room):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > MAX_LINES:
        last = lines[MAX_LINES - 1]
        while last and font.getlength(f"{last}…") > room:
            last = last[:-1]
        lines = [*lines[: MAX_LINES - 1], f"{last.rstrip()}…"]
    return lines


def _pieces(text: str, font: Font, room: float) -> Iterator[str]:
    """Words, those that are wider than ``room`` in parts."""
    for word in text.split():
        piece = ""
        for letter in word:
            if piece and font.getlength(piece + letter) > room:
                yield piece
                piece = ""
            piece += letter
        yield piece


@cache
def _font(size: int, bold: bool = False) -> Font:
    import matplotlib  # takes a second to import

    return ImageFont.truetype(
        Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size
    )
