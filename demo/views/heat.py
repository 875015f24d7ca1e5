"""The heat map of the Why panel: what a tag's score loses without each part of the photo, drawn over the photo."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from PIL import Image

from demo.core.texts import Text, say
from demo.views.render import data_address
from ram.regions.occlusion import OcclusionMap
from ram.regions.region import Box

PIXELS = 192
"""Side of the heat map before the browser stretches it over the photo."""
HEIGHT = 340
"""Greatest height of the photo under the heat map on the page, in pixels."""
COLOURS = ((0.0, (8, 14, 30, 168)), (0.35, (60, 20, 90, 120)), (0.7, (226, 92, 46, 96)), (1.0, (255, 226, 120, 70)))
"""Share of the greatest effect -> colour and opacity: dark where a part adds nothing, clear where it does."""


def heat(photo: bytes, drawn: OcclusionMap | None, logit: float, box: Box | None) -> dict[str, Any]:
    """The values that the template of the heat map takes.

    Args:
        photo: JPEG of the photo.
        drawn: the map; None as long as it is being drawn, when the photo is shown alone.
        logit: of the tag on the whole photo.
        box: to draw on the photo, or None.
    """
    with Image.open(io.BytesIO(photo)) as image:
        width, height = image.size
    return {
        "width": width, "height": height, "shown_width": round(HEIGHT * width / height),
        "photo": data_address(photo, "image/jpeg"),
        "drawn": drawn and {
            "map": overlay(drawn.effects), "where": _strongest(drawn.effects), "any": drawn.greatest > 0,
            "lowered": drawn.greatest, "without": 1 / (1 + math.exp(drawn.greatest - logit)),
            "box": box and _rectangle(box, width, height),
        },
    }  # fmt: skip


def overlay(effects: np.ndarray) -> str:
    """(rows, columns) of what parts of a photo add to the score as a small transparent image, as a data address.

    Parts that lower the score are drawn like those without effect.
    """
    raising = effects.clip(min=0)
    share = raising / raising.max() if raising.any() else raising
    smooth = Image.fromarray(share.astype(np.float32)).resize((PIXELS, PIXELS), Image.Resampling.BICUBIC)
    value = np.asarray(smooth).clip(0, 1)
    steps = [step for step, _ in COLOURS]
    channels = [np.interp(value, steps, [colour[channel] for _, colour in COLOURS]) for channel in range(4)]
    png = io.BytesIO()
    Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8), "RGBA").save(png, "PNG")
    return data_address(png.getvalue(), "image/png")


def _rectangle(box: Box, width: int, height: int) -> dict[str, float]:
    return {
        "x": box.left * width, "y": box.top * height,
        "width": (box.right - box.left) * width, "height": (box.bottom - box.top) * height,
    }  # fmt: skip


def _strongest(effects: np.ndarray) -> Text:
    """Where parts of the photo add most to the score, in words: "most at the top left"."""
    if effects.max() <= 0:
        return say("nowhere")
    row, column = (int(index) for index in np.unravel_index(int(effects.argmax()), effects.shape))
    down = ("top", "middle", "bottom")[row * 3 // effects.shape[0]]
    across = ("left", "centre", "right")[column * 3 // effects.shape[1]]
    return say("most_at", down=say(f"at_{down}"), across=say(f"at_{across}"))
