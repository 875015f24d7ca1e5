"""The ImageNet classifier that came with a pretrained backbone: what it sees in the training pictures."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ram.models.image_encoder import ImageEncoder
from ram.training.backbones import load_classifier
from ram.training.data.views import PictureSource


def class_names() -> list[tuple[str, ...]]:
    """The names of each of the 1,000 classes, the usual one first, in the order of the classifier."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    return [tuple(info.index_to_description(index).split(", ")) for index in range(info.num_classes())]


def class_glosses() -> list[str]:
    """The names of each class with what WordNet says of it, in the same order."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    from timm.data import ImageNetInfo

    return list(ImageNetInfo("imagenet-1k").label_descriptions(detailed=True))


@torch.inference_mode()
def class_logits(
    backbone: str,
    pictures: PictureSource,
    count: int,
    encoder: ImageEncoder,
    progress: Callable[[int, int], None],
    batch: int = 64,
) -> torch.Tensor:
    """What the classifier says of the mean patch of every picture, as evaluation sees it.

    Args:
        backbone: whose classifier is asked; the encoder's backbone must still hold its pretrained weights.
        pictures, count: the first ``count`` of them are looked at.
        encoder: holds the backbone, in evaluation mode.
        progress: told how many are done, and how many there are.

    Returns:
        (count, classes) float32 on the CPU; a softmax makes them probabilities.
    """
    weight, bias = load_classifier(backbone)
    parts = []
    for ids in torch.arange(count).split(batch):
        patches = pictures.plain_patches(encoder, ids).float().cpu()
        parts.append(patches.mean(dim=1) @ weight.T + bias)
        progress(int(ids[-1]) + 1, count)
    return torch.cat(parts)
