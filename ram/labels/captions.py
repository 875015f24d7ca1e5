"""Files of captions: what is written of each picture, as sentences or as labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Texts(NamedTuple):
    """What is written of a picture, and whether it is captions rather than labels."""

    sentences: Sequence[str]
    captions: bool


def read_captions(path: Path) -> dict[str, Texts]:
    """Picture to captions or labels: ``[{"image": "1.jpg", "captions": [...]}, ...]``, or "tags" for labels.

    Raises:
        ValueError: the file cannot be read, is not in that form, or names a picture twice.
    """
    entries = _json(path)
    if not isinstance(entries, list) or not entries:
        raise ValueError(f'{path.name} must be a list [{{"image": "1.jpg", "captions": ["...", ...]}}, ...]')
    captions: dict[str, Texts] = {}
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        captioned = "captions" in fields
        image, sentences = fields.get("image"), fields.get("captions" if captioned else "tags")
        if not isinstance(image, str) or not isinstance(sentences, list) or not _are_texts(sentences):
            raise ValueError(f'entry {number} of {path.name} is not {{"image": "1.jpg", "captions": [...]}}')
        if image in captions:
            raise ValueError(f"{path.name} holds {image} twice: keep one entry a picture")
        captions[image] = Texts(sentences, captioned)
    return captions


def select_split(captions: Mapping[str, Texts], path: Path, name: str) -> dict[str, Texts]:
    """Only the pictures that a JSON file ``{"train": ["1.jpg", ...], ...}`` lists under a name, in its order.

    Raises:
        ValueError: the file cannot be read, lists nothing under the name, or lists pictures without captions.
    """
    splits = _json(path)
    if not isinstance(splits, dict) or not _are_texts(splits.get(name)) or not splits[name]:
        names = ", ".join(splits) if isinstance(splits, dict) else "none"
        raise ValueError(f"{path.name} lists no pictures under {name!r}: it has {names}")
    if missing := [image for image in splits[name] if image not in captions]:
        raise ValueError(f"{len(missing)} pictures of {name!r} have no captions, such as {missing[0]}")
    return {image: captions[image] for image in splits[name]}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
