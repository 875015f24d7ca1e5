"""Turn a trained folder into the one that ships: the whole vocabulary, probabilities that keep their word, thresholds.

    python -m benchmarks.ship_model runs/ram-plus-lite/model DATA --classifier --grid 4 --output runs/shipped

The trained folder holds the tags of the training label system. This adds every other tag of ``ram/labels/everyday``,
whose descriptions no training saw, then looks at the development sets that ``benchmarks.training_data`` wrote. With
``--classifier`` the evidence of the ImageNet classifier joins the decoder's logit, with the weight that is best for
the two uses of a score: photos for a tag (mean average precision over the tags) and tags for a photo (average
precision over all decisions), in the mean of both and of the sets. A logistic regression makes probabilities of the
sum: its scale and shift are folded into head and weight. A further shift brings the threshold of the best F-measure
over all tags to 0.5, which is that of typed categories, and each tag gets a threshold of its own. The cut under which
an image is unlike the photos of training (``unlike_below``) is a quantile over the development photos.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.training_data import DEVELOPMENT
from ram.checkpoints.model_folder import load_model, save_model
from ram.describers.template import TemplateDescriber
from ram.evaluation.calibration import best_f_threshold, calibrate, shared_threshold
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.reliability import expected_calibration_error, fit_logistic
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform
from ram.labels.label_system import LabelSystem
from ram.models.build import build_model, build_text_encoder
from ram.models.config import EnsembleConfig, ModelConfig
from ram.models.lite.matching import MatchingHead
from ram.models.ram import TaggingModel
from ram.models.scoring import Scorer
from ram.prediction import strongest_logits
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import Origin, TagDescriptions

BATCH = 32
FILES = {"flickr8k_dev": "flickr8k", "broad_coco128": "broad", "broad_dev": "broad"}
"""Development sets of the data folder, with the folders of their images."""
INCOMPLETE = frozenset(
    "ade_rooms coworking dishes events houses ikea kangaroo osie places_rooms raccoon recipes spellquest weather "
    "wordpics".split()
)
"""Sources in which a tag may be there although it is not listed."""
WEIGHTS = (0.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0)
"""Weights of the classifier's evidence that are compared."""
BETA = 0.75
"""Recall counts so many times as much as precision: a wrong tag is seen, a missing one is not."""
PRIOR = 30
"""Weight of the threshold that all tags share, in positives: most tags have few on development photos."""
PAINTED = frozenset(["pacs"])
"""Sources of paintings: they do not count for the cut."""
UNLIKE = 0.02
"""Share of development photos that are below the cut."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Labels of the development images.

    Args:
        name: of the file.
        patches: (n, patches, channels) of the backbone.
        targets, known: (n, tags).
        painted: (n,) the image is a painting, not a photo.
    """

    name: str
    patches: torch.Tensor
    targets: NDArray[np.bool_]
    known: NDArray[np.bool_]
    painted: NDArray[np.bool_]


def read_decisions(
    path: Path,
    folder: Path,
    tags: list[str],
    ids: dict[str, int],
    boxed: Mapping[str, Sequence[str]],
    model: TaggingModel,
    see: EvalTransform,
) -> Decisions:
    """One triplet file over the tags that ship. In complete sources a tag that others of the source have is absent.

    Args:
        path: triplets over the training label system.
        folder: where its images are.
        tags: the training label system, in its order.
        ids: tags that ship to their columns.
        boxed: sources that are complete in these tags only.
        model, see: look at the images.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    targets = np.zeros((len(entries), len(ids)), dtype=bool)
    for row, entry in enumerate(entries):
        targets[row, [ids[tags[id_]] for id_ in entry["union_label_id"] if tags[id_] in ids]] = True
    known = targets.copy()
    sources = np.array([Path(entry["image_path"]).parent.name for entry in entries])
    for source in {*sources} - INCOMPLETE:
        rows, listed = np.flatnonzero(sources == source), targets[sources == source].any(axis=0)
        if source in boxed:
            listed &= np.isin(np.array(list(ids)), boxed[source])
        known[rows] |= listed
    patches = look([folder / entry["image_path"] for entry in entries], model, see)
    return Decisions(path.stem, patches, targets, known, np.isin(sources, list(PAINTED)))


@torch.inference_mode()
def look(images: Sequence[Path | Image], model: TaggingModel, see: EvalTransform) -> torch.Tensor:
    """(n, patches, channels) of the backbone."""
    parts = []
    for start in range(0, len(images), BATCH):
        pixels = [see(open_image(image)) for image in images[start : start + BATCH]]
        parts.append(model.image_encoder.patches(torch.stack(pixels)))
    return torch.cat(parts)


def everyday_bank(trained: TagEmbeddingBank, descriptions: int | None) -> TagEmbeddingBank:
    """The trained tags first, then all others of the everyday system, each by the sentences that are written for it.

    Training may have varied the sentences of its tags; those with which they ship are of one kind for all.
    """
    system = LabelSystem.load(EVERYDAY)
    others = [tag for tag in system.vocabulary.tags if tag not in trained.vocabulary]
    tags = [*trained.vocabulary.tags, *others]
    if descriptions == 1:
        template = TemplateDescriber()
        written = TagDescriptions({tag: (next(template.describe(tag)),) for tag in tags}, Origin(template.name))
    else:
        written = TagDescriptions.load(EVERYDAY / "descriptions.json").select(tags)
    text_encoder = build_text_encoder(trained.text_encoder)
    own = TagEmbeddingBank.build(written.select(trained.vocabulary.tags), text_encoder, trained.vocabulary)
    return own.join(TagEmbeddingBank.build(written.select(others), text_encoder))


def with_classifier(config: ModelConfig, model: TaggingModel, weight: float) -> tuple[ModelConfig, TaggingModel]:
    """Rebuild the model with the classifier's evidence added at this weight; its other weights stay."""
    return rebuild(replace(config, ensemble=EnsembleConfig(classifier_weight=weight)), model)


def with_grid(config: ModelConfig, model: TaggingModel, grid: int) -> tuple[ModelConfig, TaggingModel]:
    """Rebuild the model with so many rows and columns of tokens: the decoder attends to any number of them."""
    return rebuild(replace(config, image=replace(config.image, grid=grid)), model)


def rebuild(config: ModelConfig, model: TaggingModel) -> tuple[ModelConfig, TaggingModel]:
    """Put the weights of a model into one of another configuration."""
    rebuilt = build_model(config)
    rebuilt.load_state_dict(model.state_dict())
    return config, rebuilt.eval()


@torch.inference_mode()
def score(model: TaggingModel, patches: torch.Tensor, bank: TagEmbeddingBank) -> dict[str, NDArray[np.float32]]:
    """(n, tags) terms of the logits, by name, of the backbone's (n, patches, channels)."""
    embedded = bank.to("cpu", torch.float32).embedded
    scorer = Scorer(copy.deepcopy(model))  # it changes the model it is given
    parts = [scorer.score(model.image_encoder.embed(part), embedded).terms for part in patches.split(BATCH)]
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}


def strengths(model: TaggingModel, patches: torch.Tensor, bank: TagEmbeddingBank) -> NDArray[np.float32]:
    """(n,) means of the five highest logits.

    Args:
        model: as it ships: scale and shift are folded into it.
        patches: (n, patches, channels) of the backbone.
        bank: the model's whole vocabulary.
    """
    return strongest_logits(np.sum(list(score(model, patches, bank).values()), axis=0))


def fit_cut(photos: NDArray[np.float32]) -> float:
    """The cut under which an image is unlike: a quantile of the (n,) strengths of development photos."""
    return round(float(np.quantile(photos, UNLIKE)), 3)


@torch.no_grad()
def fold(model: TaggingModel, scale: float, shift: float) -> None:
    """Multiply and shift all logits by changing the head."""
    head = model.head
    assert isinstance(head, MatchingHead), "the small models have a matching head"
    for weight in (head.weight, head.match.weight, head.match.bias):
        weight.mul_(scale)
    head.bias.mul_(scale).add_(shift)


def precisions(scores: NDArray[Any], targets: NDArray[np.bool_], known: NDArray[np.bool_]) -> tuple[float, float]:
    """Average precision of (images, tags): the mean over the tags, and that of all decisions together."""
    tags = np.flatnonzero(known.any(axis=0))
    columns = [(scores[known[:, tag], tag, None], targets[known[:, tag], tag, None]) for tag in tags]
    by_tag = float(np.mean([mean_average_precision(*column) for column in columns]))
    return by_tag, mean_average_precision(scores[known][:, None], targets[known][:, None])


def join(values: Sequence[NDArray[Any]], known: Sequence[NDArray[np.bool_]]) -> NDArray[Any]:
    """(n,) values of all decisions of all sets, from (images, tags) of each."""
    return np.concatenate([one[sure] for one, sure in zip(values, known, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--classifier", action="store_true", help="weigh the classifier's evidence too")
    parser.add_argument("--grid", type=int, help="rows and columns of tokens, if not as in training")
    parser.add_argument("--output", required=True, type=Path)
    args = parser.parse_args()
    config, model, trained = load_model(args.model)
    if args.grid:
        config, model = with_grid(config, model, args.grid)
    model.eval()
    if args.classifier:
        config, model = with_classifier(config, model, 1.0)
    bank = everyday_bank(trained, config.max_descriptions)
    tags = list(LabelSystem.load(args.data / "labels").vocabulary.tags)
    ids = {tag: index for index, tag in enumerate(bank.vocabulary.tags)}
    image = config.image
    see = EvalTransform(image.size, image.mean, image.std, image.interpolation)
    boxes = json.loads((args.data / "broad" / "boxes.json").read_text(encoding="utf-8"))
    everyday = LabelSystem.load(EVERYDAY)
    words = {box["tag"] for image in boxes for box in image["boxes"]}
    boxed = {DEVELOPMENT: [everyday.vocabulary.tags[everyday.ids[word]] for word in words & everyday.ids.keys()]}
    sets = [
        read_decisions(args.data / f"{name}.json", args.data / folder, tags, ids, boxed, model, see)
        for name, folder in FILES.items()
    ]
    decidable = [(one.targets & one.known).any(axis=0) & (~one.targets & one.known).any(axis=0) for one in sets]
    used = np.flatnonzero(np.any(decidable, axis=0))
    part = bank.select([bank.vocabulary.tags[index] for index in used])
    terms = [score(model, one.patches, part) for one in sets]
    decided = [(one.known & both)[:, used] for one, both in zip(sets, decidable, strict=True)]
    present = [one.targets[:, used] for one in sets]
    weights = WEIGHTS if args.classifier else (0.0,)
    joined = {weight: [x["decoder"] + weight * x.get("classifier", 0) for x in terms] for weight in weights}
    reached = {}
    for weight, logits in joined.items():
        values = [precisions(*one) for one in zip(logits, present, decided, strict=True)]
        reached[weight] = float(np.mean(values))
        said = ", ".join(f"{100 * tags:.1f} / {100 * decisions:.1f}" for tags, decisions in values)
        print(f"classifier {weight}: average precision by tag / of all decisions {said}")
    weight = max(reached, key=reached.__getitem__)
    (scale,), shift = fit_logistic(join(joined[weight], decided)[:, None], join(present, decided))
    logits = [scale * x + shift for x in joined[weight]]
    goal, known, targets = partial(best_f_threshold, beta=BETA), np.concatenate(decided), np.concatenate(present)
    best = shared_threshold(1 / (1 + np.exp(-np.concatenate(logits))), targets, goal, known)
    lift = -math.log(best / (1 - best))
    if args.classifier:
        config, model = with_classifier(config, model, round(scale * weight, 3))
    fold(model, scale, shift + lift)
    print(f"classifier {weight}, scale {scale:.3f}, shift {shift:.3f} + {lift:.3f}")
    scores = [1 / (1 + np.exp(-x - lift)) for x in logits]
    for one, probabilities, there, sure in zip(sets, scores, present, decided, strict=True):
        error = expected_calibration_error(probabilities[sure], there[sure])
        print(f"{one.name}: expected calibration error {error:.3f} over {sure.sum()} decisions")
    thresholds = np.full(len(bank), 0.5)
    thresholds[used] = calibrate(np.concatenate(scores), targets, PRIOR, goal, known=known)
    bank = bank.with_thresholds(thresholds.tolist())
    photos = torch.cat([one.patches[torch.from_numpy(~one.painted)] for one in sets])
    config = replace(config, unlike_below=fit_cut(strengths(model, photos, bank)))
    print(f"unlike below {config.unlike_below}")
    save_model(args.output, config, model, bank.to("cpu", torch.float16), half=True)


if __name__ == "__main__":
    main()
