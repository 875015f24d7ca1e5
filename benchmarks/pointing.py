"""Pointing game: whether the brightest patch of a tag's map lies on the tag's object, for several kinds of map.

    python -m benchmarks.pointing BOXES FOLDER [--model ram-plus-lite] [--over 0.3] [--portraits] [--half 0|1]

BOXES is a JSON list of {"image": path below FOLDER, "boxes": [{"tag": ..., "box": [left, top, right, bottom]}]}, boxes
as shares of width and height. Only tags of the model's vocabulary count, and of these only those with a probability
over --over: a map of a tag that the model does not see explains nothing. The last column is the mean correlation of the
maps of the (at most 8) tags the model gives an image: near 1, a map says nothing about its tag. --portraits leaves the
images on which a person takes a quarter of the area. (Zhang et al. 2016, "Top-down neural attention by excitation
backprop", section 4.2, have the game.)
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ram.images.opening import open_image
from ram.models.image_encoder import ImageFeatures
from ram.regions.evidence_maps import evidence_of_patches
from ram.regions.finding import box_of
from ram.regions.occlusion import look_at_patches, occlusion_maps
from ram.regions.region import overlap
from ram.tagger import Tagger
from ram.tagger_loading import load

GIVEN = 8
REGIONS, OCCLUSION = "windows over fine patches", "the logit without parts"
LARGE = 0.25
"""Share of the image from which a person makes it a portrait."""


def maps(
    tagger: Tagger, features: ImageFeatures, tag: str, finer: Mapping[str, np.ndarray] | None = None
) -> Mapping[str, np.ndarray]:
    """(rows, columns) of each kind for one tag, with those of finer patches where they are given."""
    told = tagger.explain(features, tagger.bank, tag)
    centre = np.zeros_like(told.attention)
    centre[centre.shape[0] // 2, centre.shape[1] // 2] = 1
    return {
        **(finer or {}),
        "attention of the last layer": told.attention,
        "gradient x token": gradient_times_token(tagger, features, tag).reshape(centre.shape),
        "the logit without the patch": told.patch_effects,
        "always the centre": centre,
    }


def gradient_times_token(tagger: Tagger, features: ImageFeatures, tag: str) -> np.ndarray:
    """(patches,) inner product of each patch's token and the gradient of the decoder's logit there."""
    model = tagger.model
    bank = tagger.bank.select([tag]).embedded.to(tagger.device, tagger.dtype)
    with torch.enable_grad():
        tokens = features.tokens.clone().requires_grad_()
        blended, _ = model.reweighting(features.pooled.clone(), bank)
        logit = model.head(model.decoder(model.queries(blended), tokens), blended)
        (gradient,) = torch.autograd.grad(logit.sum(), tokens)
    return (gradient * tokens).sum(dim=-1)[0, 1:].detach().float().cpu().numpy()


def points_at(drawn: np.ndarray, boxes: Sequence[Sequence[float]]) -> bool:
    """Whether the middle of the brightest patch lies in one of the boxes."""
    row, column = np.unravel_index(int(drawn.argmax()), drawn.shape)
    down, across = (row + 0.5) / drawn.shape[0], (column + 0.5) / drawn.shape[1]
    return any(left <= across <= right and top <= down <= bottom for left, top, right, bottom in boxes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="ram-plus-lite")
    parser.add_argument("--over", type=float, default=0.3, help="least probability of a tag")
    parser.add_argument("--portraits", action="store_true", help="only images with a large person")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every second image: 0 for choices, 1 for reports")
    flags = parser.parse_args()
    overlaps: dict[str, list[float]] = defaultdict(list)
    tagger, hits, alike = load(flags.model), defaultdict(list), defaultdict(list)
    images = json.loads(flags.boxes.read_text(encoding="utf-8"))
    if flags.half is not None:
        images = images[flags.half :: 2]
    if flags.portraits:
        images = [image for image in images if any(map(_large_person, image["boxes"]))]
    for image in images:
        picture = open_image(flags.folder / image["image"])
        pixels = tagger.transform(picture)[None]
        features = tagger.look_at_pixels(pixels)
        predicted, drawn = tagger.score(features), defaultdict(list)
        boxes = defaultdict(list)
        for box in image["boxes"]:
            boxes[box["tag"]].append(box["box"])
        seen = {tag for tag in boxes if tag in tagger.bank.vocabulary.tags and predicted[tag].probability > flags.over}
        given = {score.tag for score in predicted.above()[:GIVEN]}
        asked = sorted(seen | given)
        if not asked:
            continue
        bank = tagger.bank.select(asked)
        patches = look_at_patches(tagger, picture)
        fine, parts = evidence_of_patches(tagger, patches, bank), occlusion_maps(tagger, patches, bank)
        for tag, regions, part in zip(asked, fine, parts, strict=True):
            finer = {OCCLUSION: part.effects, REGIONS: regions}
            for kind, one in maps(tagger, features, tag, finer).items():
                if tag in seen:
                    if kind == REGIONS:
                        add_overlaps(overlaps, box_of(one), boxes[tag])
                    hits[kind].append(points_at(one, boxes[tag]))
                if tag in given:
                    drawn[kind].append(one.ravel())
        for kind, rows in drawn.items():
            if np.ptp(rows, axis=0).any():
                alike[kind] += [float(np.corrcoef(a, b)[0, 1]) for a, b in combinations(rows, 2)]
    print(f"{'map':30} {'points at the object':>20} {'correlation':>12}")
    for kind, found in hits.items():
        print(f"{kind:30} {100 * np.mean(found):18.1f} % {np.mean(alike[kind] or np.nan):12.2f}")
    print(f"{'box':30} {'mean overlap':>20} {'over a half':>12}")
    for kind, shares in overlaps.items():
        print(f"{kind:30} {np.mean(shares):20.2f} {100 * np.mean(np.array(shares) >= 0.5):10.1f} %")
    print(f"{len(next(iter(hits.values()), []))} tags on {len(images)} images")


def add_overlaps(overlaps: dict[str, list[float]], box: Sequence[float], boxes: Sequence[Sequence[float]]) -> None:
    """Note the best overlap (intersection over union) of a box with one of the tag's, or with all of them together."""
    together = [*np.min(boxes, axis=0)[:2], *np.max(boxes, axis=0)[2:]]
    for kind, one in ((REGIONS, box), ("the whole image", (0, 0, 1, 1)), ("its middle", (0.15, 0.15, 0.85, 0.85))):
        overlaps[kind].append(max(overlap(tuple(one), tuple(real)) for real in (*boxes, together)))


def _large_person(box: Mapping[str, Any]) -> bool:
    left, top, right, bottom = box["box"]
    return box["tag"] == "person" and (right - left) * (bottom - top) > LARGE


if __name__ == "__main__":
    main()
