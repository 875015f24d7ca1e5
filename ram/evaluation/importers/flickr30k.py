"""Flickr30k: the captions of the 1,000 test images, for retrieval."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.evaluation.importers.annotated import refuse_repeated
from ram.evaluation.pictures import sound_pictures
from ram.evaluation.retrieval import CaptionedPictures
from ram.labels.captions import read_captions
from ram.text.files import read_json, read_lines


def read_flickr30k(name: str, captions: Path, splits: Path, pictures: Path) -> CaptionedPictures:
    """Read the captions of the images that Karpathy's file lists as "test".

    Args:
        name: name to use in tables.
        captions: ``results_20130124.token``: in each line an image, "#", a number, a tab and a caption.
        splits: ``dataset_flickr30k.json``: ``{"images": [{"filename": "1.jpg", "split": "test", ...}, ...]}``.
        pictures: folder with the images.

    Raises:
        InputError: a file has another form, names a caption or an image twice, or an image has no caption.
        ImageError: images are missing or their headers are unreadable; the message names them.
    """
    refuse_repeated((line.partition("\t")[0] for line in read_lines(captions)), captions.name)
    texts = read_captions(captions)
    images = _test_images(read_json(splits), splits.name)
    refuse_repeated(images, splits.name)
    if missing := [image for image in images if image not in texts]:
        raise InputError(f"{captions.name} has no captions of {len(missing)} test pictures, such as {missing[0]}")
    files = sound_pictures(images, {image: pictures / image for image in images}, name)
    return CaptionedPictures(name, files, tuple(tuple(texts[image].sentences) for image in images))


def _test_images(document: Any, where: str) -> list[str]:
    entries = document.get("images") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("filename"), str) for entry in entries
    ):
        raise InputError(f'{where} must be {{"images": [{{"filename": "1.jpg", "split": "test"}}, ...]}}')
    images = [entry["filename"] for entry in entries if entry.get("split") == "test"]
    if not images:
        raise InputError(f'{where} has no image with the split "test"')
    return images
