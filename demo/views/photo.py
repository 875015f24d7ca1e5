"""The example photos, the buttons that choose a photo, and a note on the model's training data."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from demo.core.examples import Example
from demo.views.render import data_address, render

THUMBNAIL = 192
"""Side of an example's thumbnail in pixels: twice its size on the page, for sharp screens."""


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
    return render("photo", "scope") if shipped else ""


def _thumbnail(path: Path) -> str:
    """A small square of an example photo, as a data address."""
    with Image.open(path) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").resize((THUMBNAIL, THUMBNAIL), box=(left, top, left + side, top + side))
    jpeg = io.BytesIO()
    square.save(jpeg, "JPEG", quality=80)
    return data_address(jpeg.getvalue(), "image/jpeg")
