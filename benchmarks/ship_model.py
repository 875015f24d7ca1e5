"""Turn a trained folder into the one that ships: the whole vocabulary, probabilities that keep their word, thresholds.

    python -m benchmarks.ship_model runs/ram-plus-lite/model DATA --classifier --grid 0 --output runs/shipped

The trained folder holds the tags of the training label system. This adds every other tag of ``ram/labels/everyday``,
whose descriptions no training saw, then looks at the development sets (``benchmarks.development_sets``). With
``--classifier`` the evidence of the ImageNet classifier joins the decoder's logit. A class is compared with tags by its
WordNet gloss, and by the sentences of the tag that it means, if any. The weight is the one that is best for
the two uses of a score: photos for a tag (mean average precision over the tags) and tags for a photo (average
precision over all decisions), in the mean of both and of the sets. A logistic regression makes probabilities of the
sum: its scale and shift are folded into head and weight. A further shift brings the threshold of the best F-measure
over all tags to 0.5, which is that of typed categories. Each tag that the development photos show gets a threshold of
its own, and each other tag the mean of those that are like it. Both rise where too many photos that lack a tag would
get it (docs/experiments/thresholds.md). The cut under which an image is unlike the photos of training
(``unlike_below``) is a quantile over the development photos.

``--mean FOLDER ...`` ships the mean of its weights and of those of the folders from which its training went on (model
soups, Wortsman et al. 2022).
"""

from __future__ import annotations

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from benchmarks.development_sets import BATCH, read_sets
from benchmarks.everyday_labels import FOLDER as EVERYDAY
from ram.checkpoints.model_folder import load_model, save_model
from ram.describers.template import TemplateDescriber
from ram.evaluation.calibration import best_f_threshold, calibrate, shared_threshold
from ram.evaluation.metrics import mean_average_precision
from ram.evaluation.reliability import expected_calibration_error, fit_logistic
from ram.images.transforms import EvalTransform
from ram.labels.label_system import LabelSystem
from ram.models.build import build_model, build_text_encoder
from ram.models.config import EnsembleConfig, ModelConfig
from ram.models.lite.image_encoder import LiteImageEncoder
from ram.models.lite.matching import MatchingHead
from ram.models.ram import TaggingModel
from ram.models.scoring import Scorer
from ram.models.text_encoder import TextEncoder
from ram.prediction import strongest_logits
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import Origin, TagDescriptions
from ram.training.data_engine.dense_tags import class_membership
from ram.training.data_engine.imagenet import class_glosses

WEIGHTS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0)
"""Weights of the classifier's evidence that are compared."""
BETA = 0.8
"""Recall counts so many times as much as precision: a wrong tag is seen, a missing one is not."""
GOAL = partial(best_f_threshold, beta=BETA)
"""Chooses a threshold by scores and targets."""
PRIOR = 30
"""Weight of the threshold that all tags share, in positives: most tags have few on development photos."""
NEIGHBOURS = 10
"""Tags whose thresholds make that of a tag which the development photos do not show."""
WRONG = 0.5
"""Images that may get a tag wrongly, as a share of those that have it and one more."""
SURE = 0.9
"""A probability over which a tag is shown, whatever some photo without it scored."""
UNLIKE = 0.02
"""Share of development photos that are below the cut."""


def everyday_bank(trained: TagEmbeddingBank, descriptions: int | None, text_encoder: TextEncoder) -> TagEmbeddingBank:
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
    own = TagEmbeddingBank.build(written.select(trained.vocabulary.tags), text_encoder, trained.vocabulary)
    return own.join(TagEmbeddingBank.build(written.select(others), text_encoder))


@torch.no_grad()
def describe_classes(model: TaggingModel, bank: TagEmbeddingBank, text_encoder: TextEncoder) -> None:
    """Compare tags with the classes of the classifier by their glosses, and by the sentences of the tags they mean."""
    encoder = model.image_encoder
    assert isinstance(encoder, LiteImageEncoder) and encoder.words is not None, "a small model with a classifier"
    ids = {tag: column for column, tag in enumerate(bank.vocabulary.tags)}
    own = class_membership(ids, kinds=False)
    means = own @ normalize(bank.to("cpu", torch.float32).embedded.mean(), dim=1)
    glosses = normalize(text_encoder.encode(class_glosses()).float(), dim=1)
    encoder.words.describe(means.where(own.any(dim=1, keepdim=True), glosses), glosses)


def with_classifier(config: ModelConfig, model: TaggingModel, weight: float) -> tuple[ModelConfig, TaggingModel]:
    """Rebuild the model with the classifier's evidence added at this weight; its other weights stay."""
    return rebuild(replace(config, ensemble=EnsembleConfig(classifier_weight=weight)), model)


def looking_closer(
    config: ModelConfig, model: TaggingModel, size: int | None, grid: int | None
) -> tuple[ModelConfig, TaggingModel]:
    """Rebuild the model for images of another size and other rows and columns of tokens; None leaves them.

    A convolutional backbone takes any size, and the decoder attends to any number of tokens.
    """
    image = config.image
    image = replace(image, size=size or image.size, grid=image.grid if grid is None else grid)
    return rebuild(replace(config, image=image), model)


@torch.no_grad()
def mean_of(model: TaggingModel, others: Sequence[TaggingModel]) -> None:
    """Replace the weights of a model by the mean of its own and those of others."""
    theirs = [other.state_dict() for other in others]
    for name, own in model.state_dict().items():
        if own.is_floating_point():  # not the number of batches that a norm has seen
            own.copy_(torch.stack([own, *(one[name] for one in theirs)]).mean(dim=0))


def thresholds_like(
    thresholds: NDArray[np.float64], shown: NDArray[np.intp], means: torch.Tensor, count: int = NEIGHBOURS
) -> None:
    """Give each tag that the development photos do not show the mean threshold of the nearest ones that they do.

    Args:
        thresholds: (tags,); changed in place.
        shown: indices of the tags that are shown.
        means: (tags, dim) of the embeddings of each tag's descriptions, which say what is like it.
        count: nearest tags.
    """
    vectors = normalize(means - means.mean(dim=0), dim=1)
    others = np.setdiff1d(np.arange(len(thresholds)), shown)
    near = (vectors[others] @ vectors[shown].T).topk(min(count, len(shown))).indices.numpy()
    thresholds[others] = np.round(thresholds[shown][near].mean(axis=1), 4)


def choose_thresholds(
    scores: NDArray[np.floating], targets: NDArray[np.bool_], known: NDArray[np.bool_], bank: TagEmbeddingBank
) -> NDArray[np.float64]:
    """(tags,) thresholds of the whole vocabulary by development images.

    Args:
        scores, targets, known: (images, tags); a target is known.
        bank: says which tags are alike.
    """
    shown = np.flatnonzero(targets.any(axis=0) & (known & ~targets).any(axis=0))
    thresholds = np.full(len(bank), 0.5)
    thresholds[shown] = calibrate(scores[:, shown], targets[:, shown], PRIOR, GOAL, known=known[:, shown])
    thresholds_like(thresholds, shown, bank.to("cpu", torch.float32).embedded.mean())
    return limit_wrong(thresholds, scores, targets, known)


def limit_wrong(
    thresholds: NDArray[np.float64], scores: NDArray[np.floating], targets: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Raise the thresholds of tags that would be shown in too many images that lack them.

    Few images have a rare tag and many lack it: what these score says more of its threshold than those can. None rises
    over :data:`SURE`, and up to it only as far as :data:`WRONG` asks.

    Args:
        thresholds: (tags,) for the strict comparison ``score > threshold``.
        scores, targets, known: (images, tags); a target is known, and a tag is absent where it is known and no target.
    """
    limited = thresholds.copy()
    for tag, positives in enumerate(targets.sum(axis=0)):
        highest = np.sort(scores[known[:, tag] & ~targets[:, tag], tag])[::-1]
        allowed = int(WRONG * (positives + 1))
        if allowed < len(highest):
            limited[tag] = max(limited[tag], min(math.ceil(highest[allowed] * 10_000) / 10_000, SURE))
    return limited


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
    parser.add_argument("--size", type=int, help="side of an image in pixels, if not as in training")
    parser.add_argument("--grid", type=int, help="rows and columns of tokens, if not as in training; 0: all")
    parser.add_argument(
        "--mean", type=Path, nargs="+", default=(), metavar="FOLDER", help="take the mean with the weights of these"
    )
    parser.add_argument("--output", required=True, type=Path)
    args = parser.parse_args()
    config, model, trained = load_model(args.model)
    mean_of(model, [load_model(folder)[1] for folder in args.mean])
    config, model = looking_closer(config, model, args.size, args.grid)
    model.eval()
    text_encoder = build_text_encoder(config.text_encoder)
    bank = everyday_bank(trained, config.max_descriptions, text_encoder)
    if args.classifier:
        config, model = with_classifier(config, model, 1.0)
        describe_classes(model, bank, text_encoder)
    ids = {tag: index for index, tag in enumerate(bank.vocabulary.tags)}
    image = config.image
    sets = read_sets(args.data, ids, model, EvalTransform(image.size, image.mean, image.std, image.interpolation))
    decidable = [(one.targets & one.known).any(axis=0) & (~one.targets & one.known).any(axis=0) for one in sets]
    terms = [score(model, one.patches, bank) for one in sets]
    decided = [one.known & both for one, both in zip(sets, decidable, strict=True)]
    present = [one.targets for one in sets]
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
    targets, known = np.concatenate(present), np.concatenate([one.known for one in sets])
    best = shared_threshold(1 / (1 + np.exp(-np.concatenate(logits))), targets, GOAL, np.concatenate(decided))
    lift = -math.log(best / (1 - best))
    if args.classifier:
        config, model = with_classifier(config, model, round(scale * weight, 3))
    fold(model, scale, shift + lift)
    print(f"classifier {weight}, scale {scale:.3f}, shift {shift:.3f} + {lift:.3f}")
    scores = [1 / (1 + np.exp(-x - lift)) for x in logits]
    for one, probabilities, there, sure in zip(sets, scores, present, decided, strict=True):
        error = expected_calibration_error(probabilities[sure], there[sure])
        print(f"{one.name}: expected calibration error {error:.3f} over {sure.sum()} decisions")
    bank = bank.with_thresholds(choose_thresholds(np.concatenate(scores), targets & known, known, bank).tolist())
    photos = torch.cat([one.patches[torch.from_numpy(~one.aside)] for one in sets])
    config = replace(config, unlike_below=fit_cut(strengths(model, photos, bank)))
    print(f"unlike below {config.unlike_below}")
    save_model(args.output, config, model, bank.to("cpu", torch.float16), half=True)


if __name__ == "__main__":
    main()
