"""Read captions or labels of images in the forms that data sets have: JSON, JSON lines, COCO, and tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ram.errors import InputError
from ram.text.files import read_json, read_lines, read_rows, read_text

IMAGE_FIELDS = ("image", "file_name", "filename", "image_path")
TEXT_FIELDS = ("captions", "caption", "text", "tags")
"""The first two names of a field are ours, the others those of common data sets; "tags" are labels, no captions."""
_FLICKR = re.compile(r"(.+)#\d+\t(.+)")
LINES, TABLES = (".jsonl", ".ndjson"), (".csv", ".tsv", ".txt", ".token")
"""Endings of files with an object per line, and of tables with a heading."""


class Texts(NamedTuple):
    """Texts of one image, and whether they are captions rather than labels."""

    sentences: Sequence[str]
    captions: bool


def read_captions(path: Path) -> dict[str, Texts]:
    """Read image to captions or labels.

    - A JSON list ``[{"image": "1.jpg", "captions": [...]}, ...]``, or "tags" for labels; or one such object per line.
      "file_name" in place of "image" and one "caption" or "text" per entry are read, too.
    - A JSON object ``{"1.jpg": [...], ...}``, COCO captions, or Karpathy's splits of them.
    - A table with the columns image and caption, or lines as in Flickr8k: ``1.jpg#0``, a tab, a caption.

    Raises:
        InputError: the file cannot be read, has another form, or names an image twice.
    """
    captions: dict[str, Texts] = {}
    for where, entry in _entries(path):
        fields = entry if isinstance(entry, dict) else {}
        image = next((fields[name] for name in IMAGE_FIELDS if name in fields), None)
        field = next((name for name in TEXT_FIELDS if name in fields), "")
        sentences = fields.get(field)
        if field in ("caption", "text") and isinstance(sentences, str):
            sentences = [sentences.strip()]
        if not isinstance(image, str) or not isinstance(sentences, list) or not _are_texts(sentences):
            raise InputError(f'{where} of {path.name} is not {{"image": "1.jpg", "captions": [...]}}')
        known = captions.get(image)
        if known is not None and field in ("captions", "tags"):
            raise InputError(f"{path.name} holds {image} twice: keep one entry a picture")
        captions[image] = Texts([*(known.sentences if known else ()), *sentences], field != "tags")
    if not captions:
        raise InputError(
            f'{path.name} must be a list [{{"image": "1.jpg", "captions": ["...", ...]}}, ...], one such object per '
            "line (.jsonl), COCO captions, or a table with the columns image and caption"
        )
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


def _entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield where each entry is, and the entry; nothing for a file of another form."""
    if path.suffix.lower() in TABLES:
        yield from _rows(path)
        return
    text = read_text(path)
    first = text.lstrip().partition("\n")[0]
    if path.suffix.lower() in LINES or first.startswith("{") and _is_object(first):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"line {number}", _object(line, f"line {number} of {path.name}")
        return
    document = read_json(path)
    if isinstance(document, dict):
        yield from _coco(document, path.name) if "images" in document else _mapped(document)
    elif isinstance(document, list):
        yield from ((f"entry {number}", entry) for number, entry in enumerate(document, 1))


def _is_object(line: str) -> bool:
    """Whether a line is an object that names an image."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return any(name in found for name in IMAGE_FIELDS)


def _object(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}") from None


def _mapped(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for image, texts in document.items():
        yield f"the entry of {image}", {"image": image, "captions": [texts] if isinstance(texts, str) else texts}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    lines = read_lines(path)
    if lines and _FLICKR.fullmatch(lines[0]):
        for number, line in enumerate(lines, 1):
            found = _FLICKR.fullmatch(line)
            yield f"line {number}", {"image": found[1], "caption": found[2]} if found else {}
        return
    _, rows = read_rows(path)
    heading = [name.strip().casefold() for name in next(rows, (0, []))[1]]
    if not {*IMAGE_FIELDS} & {*heading} or not {"caption", "text"} & {*heading}:
        return
    for number, cells in rows:
        yield f"line {number}", dict(zip(heading, cells, strict=False))


def _coco(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries of COCO captions, or of Karpathy's form, which has the sentences inside the images."""
    images = document.get("images")
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        return
    names: dict[Any, Any] = {}
    for number, image in enumerate(images, 1):
        if isinstance(image.get("sentences"), list):
            raw = [one.get("raw") if isinstance(one, dict) else None for one in image["sentences"]]
            folder = f"{image['filepath']}/" if image.get("filepath") else ""
            yield f"image {number}", {"image": f"{folder}{image.get('filename', '')}", "captions": raw}
        elif isinstance(image.get("id"), (int, str)):
            names[image["id"]] = image.get("file_name")
    for number, annotation in enumerate(document.get("annotations") or (), 1):
        fields = annotation if isinstance(annotation, dict) else {}
        if "category_id" in fields and "caption" not in fields:
            raise InputError(
                f"{name} holds categories and no captions: `ram train finetune-own-labels --data FOLDER` trains on them"
            )
        id_ = fields.get("image_id")
        known = names.get(id_) if isinstance(id_, (int, str)) else None
        yield f"annotation {number}", {"image": known, "caption": fields.get("caption")}


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
