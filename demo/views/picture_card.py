"""A picture card: photo, tags and the reasons for them, to be drawn by the visitor's browser in its own fonts.

A font on the server has no glyphs for most scripts; a browser has one for every script that its user reads.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from PIL import Image

from demo.core.texts import say
from demo.core.verdicts import verdict
from demo.views.render import data_address, render
from ram.prediction import TagScore

WIDTH, HEIGHT = 1104, 620
"""Greatest size of the photo on the card, in pixels."""
SHOWN = 8
"""Tags on a card, the most probable ones."""
NAME = "tags.png"


def picture_card(photo: Image.Image, scores: Sequence[TagScore], model: str) -> str:
    """Render the hidden values that picture_card.js draws and saves: the photo on top and a row for each tag.

    Args:
        photo: any size; it is fitted into the card.
        scores: tags over their thresholds and typed categories, in the order of the card; the first few are drawn.
        model: its name, for the last line.
    """
    fitted = photo.convert("RGB")
    fitted.thumbnail((WIDTH, HEIGHT))
    jpeg = io.BytesIO()
    fitted.save(jpeg, "JPEG", quality=90)
    rows = [
        {
            "tag": score.tag, "verdict": verdict(score), "present": score.present,
            "probability": round(score.probability, 4),
            "reason": score.descriptions[0].text if score.descriptions else "",
        }
        for score in scores[:SHOWN]
    ]  # fmt: skip
    return render(
        "picture_card", "card", name=NAME, photo=data_address(jpeg.getvalue(), "image/jpeg"), rows=json.dumps(rows),
        foot=say("card_by" if rows else "card_none", model=model),
    )  # fmt: skip
