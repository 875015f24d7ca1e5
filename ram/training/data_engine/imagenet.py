"""Names and glosses of the 1,000 classes of ImageNet."""

from __future__ import annotations


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
