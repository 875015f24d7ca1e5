"""Turn a trained folder into the one that ships: the whole vocabulary, probabilities that keep their word, thresholds.

    python -m benchmarks.ship_model runs/ram-plus-lite/model DATA --output ram/pretrained/ram-plus-lite

The trained folder holds the tags of the training label system. This adds every other tag of ``ram/labels/everyday``,
whose descriptions no training saw, then looks at the development sets that ``benchmarks.training_data`` wrote: one
scale and one shift of all logits, folded into the head, and a threshold a tag. No ranking changes.
"""

from __future__ import annotations

import argparse
import copy
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ram.checkpoints.model_folder import load_model, save_model
from ram.describers.template import TemplateDescriber
from ram.evaluation.calibration import calibrate
from ram.evaluation.reliability import expected_calibration_error, fit_scale_and_shift
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform
from ram.labels.label_system import LabelSystem
from ram.models.build import build_text_encoder
from ram.models.lite.matching import MatchingHead
from ram.models.ram import TaggingModel
from ram.models.scoring import Scorer
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import Origin, TagDescriptions

EVERYDAY = Path(__file__).parents[1] / "ram" / "labels" / "everyday"
BATCH = 32
INCOMPLETE = frozenset(
    "ade_rooms coworking dishes events houses ikea kangaroo osie places_rooms raccoon recipes spellquest weather "
    "wordpics".split()
)
"""Sources in which a tag may be there although it is not listed."""
PRIOR = 30
"""Weight of the threshold that all tags share, in positives: most tags have few on development photos."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Labels of the development images.

    Args:
        name: of the file.
        patches: (n, patches, channels) of the backbone.
        targets, known: (n, tags).
    """

    name: str
    patches: torch.Tensor
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]


def read_decisions(
    path: Path, folder: Path, tags: list[str], ids: dict[str, int], model: TaggingModel, see: EvalTransform
) -> Decisions:
    """One triplet file over the tags that ship. In complete sources a tag that others of the source have is absent.

    Args:
        path: triplets over the training label system.
        folder: where its images are.
        tags: the training label system, in its order.
        ids: tags that ship to their columns.
        model, see: look at the images.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    targets = np.zeros((len(entries), len(ids)), dtype=bool)
    for row, entry in enumerate(entries):
        targets[row, [ids[tags[id_]] for id_ in entry["union_label_id"] if tags[id_] in ids]] = True
    known = targets.copy()
    sources = np.array([Path(entry["image_path"]).parent.name for entry in entries])
    for source in {*sources} - INCOMPLETE:
        rows = np.flatnonzero(sources == source)
        known[rows] |= targets[rows].any(axis=0)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(entries), BATCH):
            pixels = [see(open_image(folder / entry["image_path"])) for entry in entries[start : start + BATCH]]
            parts.append(model.image_encoder.patches(torch.stack(pixels)))
    return Decisions(path.stem, torch.cat(parts), targets, known)


def everyday_bank(trained: TagEmbeddingBank, descriptions: int | None) -> TagEmbeddingBank:
    """The trained tags first, as they are, then all others of the everyday system."""
    system = LabelSystem.load(EVERYDAY)
    others = [tag for tag in system.vocabulary.tags if tag not in trained.vocabulary]
    if descriptions == 1:
        template = TemplateDescriber()
        written = TagDescriptions({tag: (next(template.describe(tag)),) for tag in others}, Origin(template.name))
    else:
        written = TagDescriptions.load(EVERYDAY / "descriptions.json").select(others)
    return trained.join(TagEmbeddingBank.build(written, build_text_encoder(trained.text_encoder)))


@torch.inference_mode()
def score(model: TaggingModel, patches: torch.Tensor, bank: TagEmbeddingBank) -> NDArray[np.float32]:
    """(n, tags) logits of the backbone's (n, patches, channels)."""
    embedded = bank.to("cpu", torch.float32).embedded
    scorer = Scorer(copy.deepcopy(model))  # it changes the model it is given
    parts = [scorer.score(model.image_encoder.embed(part), embedded).logits for part in patches.split(BATCH)]
    return torch.cat(parts).numpy()


@torch.no_grad()
def fold(model: TaggingModel, scale: float, shift: float) -> None:
    """Multiply and shift all logits by changing the head."""
    head = model.head
    assert isinstance(head, MatchingHead), "the small models have a matching head"
    for weight in (head.weight, head.match.weight, head.match.bias):
        weight.mul_(scale)
    head.bias.mul_(scale).add_(shift)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", required=True, type=Path)
    args = parser.parse_args()
    config, model, trained = load_model(args.model)
    model.eval()
    bank = everyday_bank(trained, config.max_descriptions)
    tags = list(LabelSystem.load(args.data / "labels").vocabulary.tags)
    ids = {tag: index for index, tag in enumerate(bank.vocabulary.tags)}
    image = config.image
    see = EvalTransform(image.size, image.mean, image.std, image.interpolation)
    files = (("flickr8k_dev", "flickr8k"), ("broad_coco128", "broad"), ("broad_dev", "broad"))
    sets = [
        read_decisions(args.data / f"{name}.json", args.data / folder, tags, ids, model, see) for name, folder in files
    ]
    used = np.flatnonzero(np.any([one.known.any(axis=0) for one in sets], axis=0))
    part = bank.select([bank.vocabulary.tags[index] for index in used])
    logits = [score(model, one.patches, part) for one in sets]
    fitted = np.concatenate([x[one.known[:, used]] for x, one in zip(logits, sets, strict=True) if one.known.any()])
    truth = np.concatenate([one.targets[:, used][one.known[:, used]] for one in sets])
    scale, shift = fit_scale_and_shift(fitted, truth)
    fold(model, scale, shift)
    scores = [1 / (1 + np.exp(-(scale * x + shift))) for x in logits]
    for one, probabilities in zip(sets, scores, strict=True):
        known = one.known[:, used]
        error = expected_calibration_error(probabilities[known], one.targets[:, used][known])
        print(f"{one.name}: expected calibration error {error:.3f} over {known.sum()} decisions")
    thresholds = np.full(len(bank), np.nan)
    thresholds[used] = calibrate(
        np.concatenate(scores),
        np.concatenate([one.targets[:, used] for one in sets]),
        PRIOR,
        known=np.concatenate([one.known[:, used] for one in sets]),
    )
    shared = float(np.median(thresholds[used]))
    print(f"scale {scale:.3f}, shift {shift:.3f}, shared threshold {shared:.3f}")
    bank = bank.with_thresholds(np.where(np.isnan(thresholds), shared, thresholds).tolist())
    save_model(args.output, config, model, bank.to("cpu", torch.float16), half=True)


if __name__ == "__main__":
    main()
