"""Development sets by which a model is prepared for shipping: which decisions about which tags are known.

Three of them are files that ``benchmarks.training_data`` wrote; the fourth are the labelled photos of this repository
without their held-out third.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.labelled_photos import load_labelled
from benchmarks.training_data import DEVELOPMENT
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform
from ram.labels.hypernyms import load_kinds
from ram.labels.label_system import LabelSystem
from ram.models.ram import TaggingModel

BATCH = 32
FILES = {"flickr8k_dev": "flickr8k", "broad_coco128": "broad", "broad_dev": "broad"}
"""Development sets of the data folder, with the folders of their images."""
INCOMPLETE = frozenset(
    "ade_rooms coworking dishes events houses ikea kangaroo osie places_rooms raccoon recipes spellquest weather "
    "wordpics".split()
)
"""Sources in which a tag may be there although it is not listed."""
PAINTED = frozenset(["pacs"])
"""Sources of paintings: they do not count for the cut."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Labels of the development images.

    Args:
        name: of the file.
        patches: (n, patches, channels) of the backbone.
        targets, known: (n, tags).
        aside: (n,) the image does not count for the cut: a painting, or cut out on white.
    """

    name: str
    patches: torch.Tensor
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]
    aside: NDArray[np.bool_]


def read_decisions(
    path: Path,
    folder: Path,
    tags: list[str],
    ids: dict[str, int],
    boxed: Mapping[str, Sequence[str]],
    listed: Mapping[str, set[str]],
    model: TaggingModel,
    see: EvalTransform,
) -> Decisions:
    """One triplet file over the tags that ship.

    In complete sources a tag that others of the source have is absent, but not one that may be meant: "dog" leaves open
    which kind it is.

    Args:
        path: triplets over the training label system.
        folder: where its images are.
        tags: the training label system, in its order.
        ids: tags that ship to their columns.
        boxed: sources that are complete in these tags only.
        listed: sources to the tags that any of their images has, those of training too.
        model, see: look at the images.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    targets = np.zeros((len(entries), len(ids)), dtype=bool)
    for row, entry in enumerate(entries):
        targets[row, [ids[tags[id_]] for id_ in entry["union_label_id"] if tags[id_] in ids]] = True
    known = targets.copy()
    sources = np.array([Path(entry["image_path"]).parent.name for entry in entries])
    for source in {*sources} - INCOMPLETE:
        complete = listed[source] & set(boxed[source]) if source in boxed else listed[source]
        known[sources == source] |= np.isin(np.array(list(ids)), list(complete))
    known &= targets | ~kinds_left_open(targets, list(ids), load_kinds(EVERYDAY / "kinds.csv")[1])
    patches = look([folder / entry["image_path"] for entry in entries], model, see)
    return Decisions(path.stem, patches, targets, known, np.isin(sources, list(PAINTED)))


def read_labelled(ids: dict[str, int], system: LabelSystem, model: TaggingModel, see: EvalTransform) -> Decisions:
    """The photos of ``assets/benchmark`` without the held-out third: all their tags are known for all of them.

    Args:
        ids: tags that ship to their columns.
        system: knows the synonyms.
        model, see: look at the images.
    """
    photos = load_labelled("choice").benchmark
    targets = np.zeros((len(photos.pictures), len(ids)), dtype=bool)
    known = targets.copy()
    for column, tag in enumerate(photos.tags):
        name = system.vocabulary.tags[system.ids[tag]] if tag in system.ids else tag
        if name in ids:
            targets[:, ids[name]] |= photos.targets[:, column]
            known[:, ids[name]] |= photos.known[:, column]  # type: ignore[index]
    patches = look(photos.pictures, model, see)
    return Decisions("labelled_choice", patches, targets, known, np.ones(len(targets), dtype=bool))


def kinds_left_open(
    targets: NDArray[np.bool_], tags: Sequence[str], hypernyms: Mapping[str, Collection[str]]
) -> NDArray[np.bool_]:
    """(images, tags) True for the kinds of a tag that an image has without any kind of it.

    Args:
        targets: (images, tags).
        tags: in their order.
        hypernyms: tag to all tags above it.
    """
    columns = {tag: column for column, tag in enumerate(tags)}
    kind_of = np.zeros((len(tags), len(tags)), dtype=np.float32)
    for row, tag in enumerate(tags):
        kind_of[row, [columns[above] for above in hypernyms.get(tag, ()) if above in columns]] = 1
    bare = targets & ~(targets.astype(np.float32) @ kind_of > 0)
    return bare.astype(np.float32) @ kind_of.T > 0


def tags_of_sources(data: Path, folder: str, tags: Sequence[str]) -> dict[str, set[str]]:
    """Source to the tags that any of its images has, in all triplet files about one folder of images.

    Args:
        data: folder of the training data.
        folder: of the images: "broad" for ``broad_open.json``, ``broad_dev.json`` and others.
        tags: the training label system, in its order.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(data.glob(f"{folder}_*.json")):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            source = Path(entry["image_path"]).parent.name
            found.setdefault(source, set()).update(tags[id_] for id_ in entry["union_label_id"])
    return found


@torch.inference_mode()
def look(images: Sequence[Path | Image], model: TaggingModel, see: EvalTransform) -> torch.Tensor:
    """(n, patches, channels) of the backbone."""
    parts = []
    for start in range(0, len(images), BATCH):
        pixels = [see(open_image(image)) for image in images[start : start + BATCH]]
        parts.append(model.image_encoder.patches(torch.stack(pixels)))
    return torch.cat(parts)


def read_sets(data: Path, ids: dict[str, int], model: TaggingModel, see: EvalTransform) -> list[Decisions]:
    """All development sets.

    Args:
        data: folder of the training data.
        ids: tags that ship to their columns.
        model, see: look at the images.
    """
    everyday, tags = LabelSystem.load(EVERYDAY), list(LabelSystem.load(data / "labels").vocabulary.tags)
    boxes = json.loads((data / "broad" / "boxes.json").read_text(encoding="utf-8"))
    words = {box["tag"] for image in boxes for box in image["boxes"]}
    boxed = {DEVELOPMENT: [everyday.vocabulary.tags[everyday.ids[word]] for word in words & everyday.ids.keys()]}
    listed = {folder: tags_of_sources(data, folder, tags) for folder in sorted(set(FILES.values()))}
    sets = [
        read_decisions(data / f"{name}.json", data / folder, tags, ids, boxed, listed[folder], model, see)
        for name, folder in FILES.items()
    ]
    return [*sets, read_labelled(ids, everyday, model, see)]
