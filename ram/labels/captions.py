"""Read files of captions or labels of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ram.errors import InputError
from ram.text.files import read_json


class Texts(NamedTuple):
    """Texts of one image, and whether they are captions rather than labels."""

    sentences: Sequence[str]
    captions: bool


def read_captions(path: Path) -> dict[str, Texts]:
    """Read image to captions: ``[{"image": "1.jpg", "captions": [...]}, ...]``, or "tags" for labels.

    Raises:
        InputError: the file cannot be read, has another form, or names an image twice.
    """
    entries = read_json(path)
    if not isinstance(entries, list) or not entries:
        raise InputError(f'{path.name} must be a list [{{"image": "1.jpg", "captions": ["...", ...]}}, ...]')
    captions: dict[str, Texts] = {}
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        captioned = "captions" in fields
        image, sentences = fields.get("image"), fields.get("captions" if captioned else "tags")
        if not isinstance(image, str) or not isinstance(sentences, list) or not _are_texts(sentences):
            raise InputError(f'entry {number} of {path.name} is not {{"image": "1.jpg", "captions": [...]}}')
        if image in captions:
            raise InputError(f"{path.name} holds {image} twice: keep one entry a picture")
        captions[image] = Texts(sentences, captioned)
    return captions


def select_split(captions: Mapping[str, Texts], path: Path, name: str) -> dict[str, Texts]:
    """Select the images that a JSON file ``{"train": ["1.jpg", ...], ...}`` lists under a name, in its order.

    Raises:
        InputError: the file cannot be read, lists nothing under the name, or lists images without captions.
    """
    splits = read_json(path)
    if not isinstance(splits, dict) or not _are_texts(splits.get(name)) or not splits[name]:
        names = ", ".join(splits) if isinstance(splits, dict) else "none"
        raise InputError(f"{path.name} lists no pictures under {name!r}: it has {names}")
    if missing := [image for image in splits[name] if image not in captions]:
        raise InputError(f"{len(missing)} pictures of {name!r} have no captions, such as {missing[0]}")
    return {image: captions[image] for image in splits[name]}


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
