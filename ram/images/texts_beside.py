"""Text files beside images, as trainers of image generators keep them: tags or a caption of cat.jpg in cat.txt."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ram.errors import ImageError, InputError
from ram.images.folders import search
from ram.labels.captions import Texts, read_captions
from ram.text.files import read_text
from ram.text.names import normalize_category, spaced

ENDINGS = (".txt", ".caption")
WORDS_OF_A_TAG = 3
"""Mean number of words between commas up to which the texts of a folder are tags; captions have more."""

_METADATA = ("metadata.jsonl", "metadata.csv")
_NUMBERS = re.compile(r"[-+.\d]+(e[-+]?\d+)?([\s,]+[-+.\d]+(e[-+]?\d+)?)+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextsBeside:
    """The images of a folder that have a text.

    Args:
        folder: where they are.
        texts: text of each, without line ends around it; may be empty.
    """

    folder: Path
    texts: dict[Path, str]

    @property
    def are_tags(self) -> bool:
        """Whether the texts are lists of tags rather than captions."""
        pieces = [piece for text in self.texts.values() for piece in _pieces(text)]
        words = sum(len(piece.split()) for piece in pieces)
        return words <= WORDS_OF_A_TAG * len(pieces) and not any(piece.endswith(".") for piece in pieces)

    def tags(self) -> dict[Path, tuple[str, ...]]:
        """The tags of each image, with spaces for underscores; what is no tag (``>_<``) is left out with a warning."""
        left_out: list[str] = []
        tags = {image: _tags(_pieces(text), left_out) for image, text in self.texts.items()}
        if left_out:
            _log.warning("%d texts are no tags and left out, first: %s", len(left_out), left_out[0])
        return tags

    def captions(self) -> dict[str, Texts]:
        """Captions, one a line, or tags of each image by its path relative to the folder."""
        if self.are_tags:
            found = {image: Texts(tags, False) for image, tags in self.tags().items()}
        else:
            lines = {image: [line.strip() for line in text.splitlines()] for image, text in self.texts.items()}
            found = {image: Texts(list(filter(None, each)), True) for image, each in lines.items()}
        return {image.relative_to(self.folder).as_posix(): texts for image, texts in found.items()}


def find_texts(folder: Path) -> TextsBeside:
    """Find images with a text file beside them: ``cat.txt``, ``cat.caption`` or ``cat.jpg.txt``; warn of the others.

    Files of numbers alone, such as the boxes of YOLO, are no texts. Where no image has a text the result is empty.

    Raises:
        InputError: a text cannot be read.
    """
    texts: dict[Path, str] = {}
    try:
        images = search(folder).images
    except ImageError:
        images = ()
    for image in images:
        beside = (image.with_name(name + ending) for ending in ENDINGS for name in (image.stem, image.name))
        if (file := next((path for path in beside if path.is_file()), None)) is not None:
            text = read_text(file).strip()
            if not _NUMBERS.fullmatch(text):
                texts[image] = text
    if not any(texts.values()):
        return TextsBeside(folder, {})
    if missing := [image for image in images if image not in texts]:
        _log.warning("%d pictures have no text beside them and are left out, first: %s", len(missing), missing[0].name)
    return TextsBeside(folder, texts)


def read_folder_captions(folder: Path) -> dict[str, Texts]:
    """Read captions or tags from ``metadata.jsonl`` or ``.csv`` in a folder, or the text files beside its images.

    Raises:
        InputError: no image has a text.
    """
    for name in _METADATA:
        if (folder / name).is_file():
            return read_captions(folder / name)
    found = find_texts(folder)
    if not found.texts:
        raise InputError(f"{folder} has no picture with a text beside it, such as cat.txt for cat.jpg")
    return found.captions()


def _pieces(text: str) -> Sequence[str]:
    return [piece.strip() for piece in re.split(r"[,;\n]", text) if piece.strip()]


def _tags(pieces: Iterable[str], left_out: list[str]) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for piece in pieces:
        try:
            tags[spaced(normalize_category(piece.replace("\\(", "(").replace("\\)", ")")))] = None
        except InputError as error:
            left_out.append(str(error))
    return tuple(tags)
