"""Write regions of many images as COCO with boxes, or as a data set of YOLO."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ram.regions.region import Region
from ram.runtime import atomic_write


class CocoBoxes:
    """One COCO document with boxes in pixels; ids count from 1.

    Args:
        path: file that :meth:`finish` writes.
        tags: the categories, in order; others are added as they come.
        model: named in ``info``.
    """

    def __init__(self, path: Path, tags: Sequence[str], model: str) -> None:
        self._path = path
        self._info = {"description": "tags of images, with boxes", "model": model}
        self._ids = {tag: index for index, tag in enumerate(dict.fromkeys(tags), 1)}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, image: Path, size: tuple[int, int], regions: Sequence[Region]) -> None:
        """Add an image of a width and height."""
        width, height = size
        self._images.append({"id": len(self._images) + 1, "file_name": str(image), "width": width, "height": height})
        for region in regions:
            left, top, right, bottom = region.pixels(width, height)
            box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
            self._annotations.append({
                "id": len(self._annotations) + 1, "image_id": len(self._images), "bbox": box,
                "category_id": self._ids.setdefault(region.tag, len(self._ids) + 1), "iscrowd": 0,
                "area": round(box[2] * box[3], 2), "score": round(region.probability, 6),
            })  # fmt: skip

    def finish(self) -> None:
        """Write the document."""
        document = {
            "info": self._info,
            "images": self._images,
            "categories": [{"id": index, "name": tag} for tag, index in self._ids.items()],
            "annotations": self._annotations,
        }
        with atomic_write(self._path) as file:
            file.write_text(json.dumps(document), encoding="utf-8")


class YoloDataset:
    """A folder that trains a YOLO model: ``images/``, ``labels/`` and ``data.yaml``.

    Args:
        folder: is made where it does not exist.
        tags: the classes, in order; others are added as they come.
    """

    def __init__(self, folder: Path, tags: Sequence[str]) -> None:
        self._folder = folder
        self._ids = {tag: index for index, tag in enumerate(dict.fromkeys(tags))}
        self._names: set[str] = set()
        for name in ("images", "labels"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def add(self, image: Path, size: tuple[int, int], regions: Sequence[Region]) -> None:
        """Copy an image and write its boxes; those of one name get a number."""
        stem, number = image.stem, 2
        while stem.casefold() in self._names:
            stem, number = f"{image.stem}-{number}", number + 1
        self._names.add(stem.casefold())
        shutil.copyfile(image, self._folder / "images" / f"{stem}{image.suffix.lower()}")
        lines = []
        for region in regions:
            (across, down), (left, top, right, bottom) = region.center, region.box
            index = self._ids.setdefault(region.tag, len(self._ids))
            lines.append(f"{index} {across:.6f} {down:.6f} {right - left:.6f} {bottom - top:.6f}\n")
        (self._folder / "labels" / f"{stem}.txt").write_text("".join(lines), encoding="utf-8")

    def finish(self) -> None:
        """Write ``data.yaml``; JSON strings are YAML too."""
        names = "".join(f"  {index}: {json.dumps(tag, ensure_ascii=False)}\n" for tag, index in self._ids.items())
        text = f"path: .\ntrain: images\nval: images\nnames:\n{names}"
        (self._folder / "data.yaml").write_text(text, encoding="utf-8")
