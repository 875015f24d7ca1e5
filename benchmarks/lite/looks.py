"""Features of a model's images on disk: the image encoder runs once, whatever is scored afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ram.errors import InputError
from ram.evaluation.pictures import look_at
from ram.models.image_encoder import ImageFeatures
from ram.runtime import Progress, atomic_write, quiet
from ram.tagger import Tagger


def cached_looks(path: Path, tagger: Tagger, pictures: Sequence[Path], progress: Progress = quiet) -> ImageFeatures:
    """Read the features of all images, or compute and write them.

    Args:
        path: a ``.npz`` file; its name tells model and images apart.
        tagger: the model.
        pictures: the images, in order.
        progress: called with what is being done, how much is done, and how much there is.

    Returns:
        Features of (pictures, ...), on the CPU.

    Raises:
        InputError: the file holds features of other images.
        ImageError: an image cannot be read.
    """
    names = [picture.name for picture in pictures]
    if not path.is_file():
        looks = ImageFeatures.join([features.to("cpu") for features in look_at(tagger, pictures, progress)])
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, names=names, **{name: part.numpy() for name, part in parts(looks).items()})
        return looks
    with np.load(path) as stored:
        if stored["names"].tolist() != names:
            raise InputError(f"{path.name} holds features of other images: delete it, or name another cache folder")
        return ImageFeatures(**{name: torch.from_numpy(stored[name]) for name in stored.files if name != "names"})


def parts(looks: ImageFeatures) -> dict[str, torch.Tensor]:
    """The tensors that the features consist of, by name."""
    return {name: part for name, part in vars(looks).items() if part is not None}
