"""Draw pictures that are no photos: gradients, noise, patterns, screens of text and plots, each by a random seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 300
"""Pixels of a square picture."""
WORDS = (
    "the model writes a report about sales in march and every table has a column for costs while users click on "
    "settings to change the language of the page"
).split()


def gradient(seed: int) -> Image.Image:
    """Two colours that pass into each other along a line or around a point."""
    draw = np.random.default_rng(seed)
    first, second = draw.integers(0, 256, (2, 3))
    rows, columns = np.indices((SIDE, SIDE)) / SIDE
    if draw.random() < 0.6:
        angle = draw.uniform(0, 2 * np.pi)
        share = rows * np.cos(angle) + columns * np.sin(angle)
    else:
        share = np.hypot(rows - draw.uniform(0.2, 0.8), columns - draw.uniform(0.2, 0.8))
    share = (share - share.min()) / np.ptp(share)
    return Image.fromarray((first + (second - first) * share[..., None]).astype(np.uint8))


def noise(seed: int) -> Image.Image:
    """Clouds of colour: random pixels of six sizes, added."""
    draw = np.random.default_rng(seed)
    layers = np.zeros((SIDE, SIDE, 3))
    for side in (4, 8, 16, 32, 64, 150):
        pixels = Image.fromarray(draw.integers(0, 256, (side, side, 3), dtype=np.uint8))
        layers += np.asarray(pixels.resize((SIDE, SIDE), Image.Resampling.BICUBIC), float) * draw.uniform(0, 1)
    layers -= layers.min()
    return Image.fromarray((layers / layers.max() * 255).astype(np.uint8))


def pattern(seed: int) -> Image.Image:
    """Stripes, squares or dots in two colours."""
    draw = np.random.default_rng(seed)
    y, x = np.indices((SIDE, SIDE))
    size, (first, second) = draw.integers(8, 50), draw.integers(0, 256, (2, 3))
    shapes = (
        (x // size) % 2 == 1,
        (x // size + y // size) % 2 == 1,
        ((x + y) // size) % 2 == 1,
        np.hypot(x % size - size / 2, y % size - size / 2) < size / 3,
    )
    return Image.fromarray(np.where(shapes[draw.integers(len(shapes))][..., None], first, second).astype(np.uint8))


def screenshot(seed: int) -> Image.Image:
    """A window with a title bar, lines of text and buttons, light or dark."""
    draw = np.random.default_rng(seed)
    light = draw.random() < 0.7
    paper, ink, side = ("white", "#1e1e1e", "#ededed") if light else ("#26282c", "#dcdcdc", "#323237")
    image = Image.new("RGB", (640, 480), paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 640, 28), fill=_colour(draw, 60, 230))
    if draw.random() < 0.6:
        pen.rectangle((0, 28, 150, 480), fill=side)
    y = 40
    while y < 460:
        x, size = 170 + int(draw.integers(0, 30)), int(draw.choice([11, 11, 13, 20]))
        text = " ".join(draw.choice(WORDS, draw.integers(3, 14)))
        pen.text((x, y), text, fill=ink, font=ImageFont.load_default(size))
        y += size + int(draw.integers(4, 20))
        if draw.random() < 0.15:
            pen.rectangle((x, y, x + int(draw.integers(60, 150)), y + 24), fill=_colour(draw, 0, 256))
            y += 34
    return image


def plot(seed: int) -> Image.Image:
    """Two axes with one to three series as lines or bars."""
    draw = np.random.default_rng(seed)
    image = Image.new("RGB", (500, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.line((50, 30, 50, 350, 470, 350), fill="black", width=2)
    for series in range(draw.integers(1, 4)):
        heights = np.minimum(350 - np.abs(np.cumsum(draw.normal(0, 20, 12))) - draw.integers(0, 100), 349)
        colour = _colour(draw, 0, 220)
        if draw.random() < 0.5:
            pen.line([(50 + 35 * i, float(height)) for i, height in enumerate(heights)], fill=colour, width=3)
        else:
            for i, height in enumerate(heights):
                left = 55 + 35 * i + 8 * series
                pen.rectangle((left, float(height), left + 7, 350), fill=colour)
    return image


KINDS: dict[str, Callable[[int], Image.Image]] = {
    each.__name__: each for each in (gradient, noise, pattern, screenshot, plot)
}
"""By name; the same seed draws the same picture."""


def _colour(draw: np.random.Generator, low: int, high: int) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in draw.integers(low, high, 3))
    return red, green, blue
