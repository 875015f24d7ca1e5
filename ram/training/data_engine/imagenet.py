"""The ImageNet classifier of a pretrained backbone, applied to the training images."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ram.models.image_encoder import ImageEncoder
from ram.training.backbones import load_classifier
from ram.training.data.views import PictureSource


def class_names() -> list[tuple[str, ...]]:
    """Return the names of each of the 1,000 classes, the usual one first, in the order of the classifier."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (before timm)
    from timm.data import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    return [tuple(info.index_to_description(index).split(", ")) for index in range(info.num_classes())]


def class_glosses() -> list[str]:
    """Return the names and the WordNet gloss of each class, in the order of the classifier."""
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
    """Classify the mean patch of every image without augmentation.

    Args:
        backbone: name of the backbone; that of the encoder must still hold its pretrained weights.
        pictures: source of the images.
        count: number of images, from the first.
        encoder: holds the backbone, in evaluation mode.
        progress: called with how many images are done, and how many there are.
        batch: images classified together.

    Returns:
        (count, classes) logits in float32 on the CPU.
    """
    weight, bias = load_classifier(backbone)
    parts = []
    for ids in torch.arange(count).split(batch):
        patches = pictures.plain_patches(encoder, ids).float().cpu()
        parts.append(patches.mean(dim=1) @ weight.T + bias)
        progress(int(ids[-1]) + 1, count)
    return torch.cat(parts)
