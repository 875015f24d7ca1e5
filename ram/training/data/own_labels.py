"""Read a user's own labels: CSV, JSON lines, COCO instances, a text beside each image, or a folder for each tag."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.images.folders import find_images, is_of_program
from ram.images.opening import SUFFIXES
from ram.images.texts_beside import TextsBeside, find_texts
from ram.labels.captions import LINES, read_captions
from ram.text.files import listed_path, read_json, read_rows
from ram.text.names import normalize_category

COLUMNS = ["image", "tags"]
_FILES = (".csv", ".json", *LINES)
_PARSE = "make triplets of them by `ram parse`, and name those in data.triplets"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledPictures:
    """Images with the names of their tags.

    Args:
        name: name of the file or folder of labels.
        pictures: (images,) paths, each once.
        tags: (images,) tags of each; may be empty.
    """

    name: str
    pictures: tuple[Path, ...]
    tags: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if len(self.pictures) != len(self.tags):
            raise ValueError(f"{self.name} has {len(self.pictures)} pictures but tags for {len(self.tags)}")


def read_own_labels(path: Path, folder: Path | None = None) -> LabelledPictures:
    """Read labels in one of these forms.

    - A ``.csv`` file: one image and its tags per line, ``image,tag;tag``, with or without the header ``image,tags``.
    - A ``.json`` file: COCO instances; the categories of an image's annotations are its tags.
    - A ``.jsonl`` file: ``{"image": "1.jpg", "tags": [...]}`` per line, as `ram tag` writes them.
    - A folder: the only such file in it; otherwise the text files beside its images, ``cat.txt`` with tags separated by
      commas; otherwise its sub-folders, whose names are the tags of the images in them ("_" becomes a space).

    Args:
        path: the file or folder.
        folder: folder to which image paths in a file are relative; that of the file where None.

    Raises:
        InputError: nothing is there, or a line or entry is malformed; the message names it.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in _FILES)
        if len(files) > 1:
            names = ", ".join(file.name for file in files[:5])
            raise InputError(f"{path.resolve().name} holds {names}: name the file with your labels in data.labels")
        if files:
            return read_own_labels(files[0], folder)
        beside = find_texts(path)
        return _texts(beside) if beside.texts else _folders(path)
    if not path.is_file():
        raise InputError(f"there is no file or folder {path.name!r} with labels: check --data and data.labels")
    folder = path.parent if folder is None else folder
    if path.suffix.lower() == ".csv":
        return _csv(path, folder)
    if path.suffix.lower() == ".json":
        return _coco(path, folder)
    if path.suffix.lower() in LINES:
        return _json_lines(path, folder)
    raise InputError(
        f"{path.name} is neither a .csv, nor a .jsonl, nor a COCO .json, nor a folder with a folder for each tag"
    )


def own_tags(labels: Iterable[LabelledPictures]) -> tuple[str, ...]:
    """Return all tags that occur, the most frequent first.

    Raises:
        InputError: no tag occurs.
    """
    labels = list(labels)
    counts = Counter(tag for source in labels for tags in source.tags for tag in tags)
    if not counts:
        raise InputError(f"no picture of {', '.join(source.name for source in labels)} has a tag: label some")
    return tuple(sorted(counts, key=lambda tag: (-counts[tag], tag)))


def _csv(file: Path, folder: Path) -> LabelledPictures:
    found: list[tuple[Path, tuple[str, ...]]] = []
    separator, rows = read_rows(file)
    lines = list(rows)
    if lines and [cell.strip().casefold() for cell in lines[0][1]] == COLUMNS:
        lines = lines[1:]
    elif lines and not lines[0][1][0].strip().lower().endswith(SUFFIXES):
        line, cells = lines[0]
        raise InputError(
            f"line {line} of {file.name} begins with {cells[0]!r:.60}: the columns are image and tags, in this order"
        )
    for line, cells in lines:
        where = f"line {line} of {file.name}"
        if len(cells) > 2 and separator == ";":  # image;tag;tag
            cells = [cells[0], ";".join(cells[1:])]
        if len(cells) != 2:
            raise InputError(
                f"{where} has {len(cells)} cells in place of 2: write image,tag;tag and quote a name that holds a comma"
            )
        if not cells[0].strip():
            raise InputError(f"{where} names no picture: write image,tag;tag")
        if "," in cells[1]:
            raise InputError(f"{where} separates its tags by commas: separate them by semicolons, image,tag;tag")
        found.append((listed_path(folder, cells[0].strip()), _tags(cells[1].split(";"), where)))
    return _collect(file.name, found)


def _coco(file: Path, folder: Path) -> LabelledPictures:
    document = read_json(file)
    images = _table(document, "images", "file_name", file.name)
    annotations = _list(document, "annotations", file.name)
    if any("caption" in annotation for annotation in annotations):
        raise InputError(f"{file.name} holds captions and no tags: {_PARSE}")
    categories = _table(document, "categories", "name", file.name)
    named = {id_: _tags([name], f"category {id_} of {file.name}") for id_, name in categories.items()}
    tags: dict[Any, list[str]] = {id_: [] for id_ in images}
    for number, annotation in enumerate(annotations, 1):
        where = f"annotation {number} of {file.name}"
        for key, table in (("image_id", images), ("category_id", categories)):
            id_ = annotation.get(key)
            if not isinstance(id_, (int, str)) or id_ not in table:
                raise InputError(f"{where} has the {key} {id_!r:.40}, which the file does not list")
        tags[annotation["image_id"]] += named[annotation["category_id"]]
    return _collect(file.name, [(listed_path(folder, name), tuple(tags[id_])) for id_, name in images.items()])


def _json_lines(file: Path, folder: Path) -> LabelledPictures:
    entries = read_captions(file)
    if any(texts.captions for texts in entries.values()):
        raise InputError(f"{file.name} holds captions and no tags: {_PARSE}")
    return _collect(
        file.name,
        [
            (listed_path(folder, image), _tags(texts.sentences, f"the entry of {image} in {file.name}"))
            for image, texts in entries.items()
        ],
    )


def _texts(beside: TextsBeside) -> LabelledPictures:
    name = beside.folder.resolve().name
    if not beside.are_tags:
        raise InputError(f"the text files beside the pictures of {name} hold captions and no tags: {_PARSE}")
    _log.info("%d pictures of %s have their tags in the text files beside them", len(beside.texts), name)
    return _collect(name, list(beside.tags().items()))


def _table(document: Any, key: str, value: str, name: str) -> dict[Any, str]:
    """Map ids of COCO's images or categories to their names."""
    table = {}
    for number, entry in enumerate(_list(document, key, name), 1):
        id_, text = entry.get("id"), entry.get(value)
        if not isinstance(id_, (int, str)) or not isinstance(text, str) or not text.strip():
            raise InputError(f"entry {number} of {key} in {name} has no id or no {value}")
        if id_ in table:
            raise InputError(f"entry {number} of {key} in {name} repeats the id {id_!r:.40}")
        table[id_] = text
    return table


def _list(document: Any, key: str, name: str) -> list[dict[str, Any]]:
    entries = document.get(key) if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{name} has no list {key!r} of objects: it is no file of COCO instances")
    return entries


def _folders(path: Path) -> LabelledPictures:
    found = []
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    for folder in (each for each in folders if not is_of_program(each.name, path.name)):
        tag = _tags([folder.name.replace("_", " ")], f"the folder {folder.name}")
        found += [(picture, tag) for picture in find_images([folder])]
    if not found:
        raise InputError(
            f"{path.resolve().name} holds no labels: put a photos.csv there (image,tag;tag), or a .txt of tags beside "
            "each picture, or a folder for each tag"
        )
    return _collect(path.resolve().name, found)


def _tags(names: Sequence[str], where: str) -> tuple[str, ...]:
    try:
        return tuple(normalize_category(name) for name in names if name.strip())
    except ValueError as error:
        raise InputError(f"{where} has an unusable tag: {error}") from None


def _collect(name: str, found: Sequence[tuple[Path, tuple[str, ...]]]) -> LabelledPictures:
    """Merge the tags of each image; tags that differ only in case get the first spelling."""
    if not found:
        raise InputError(f"{name} names no picture: write image,tag;tag")
    spelling: dict[str, str] = {}
    tags: dict[Path, dict[str, None]] = {}
    for picture, names in found:
        image_tags = tags.setdefault(picture, {})
        image_tags.update((spelling.setdefault(tag.casefold(), tag), None) for tag in names)
    return LabelledPictures(name, tuple(tags), tuple(map(tuple, tags.values())))
