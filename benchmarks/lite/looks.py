"""Features of a model's images on disk: the image encoder runs once, whatever is scored afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ram.errors import InputError
from ram.evaluation.pictures import look_at
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import fingerprint_of
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
        InputError: the file holds features of other images or of another model.
        ImageError: an image cannot be read.
    """
    names = [picture.name for picture in pictures]
    model = f"{tagger.config.image} {fingerprint_of(tagger.model.image_encoder)}"
    if not path.is_file():
        looks = ImageFeatures.join([features.to("cpu") for features in look_at(tagger, pictures, progress)])
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, names=names, model=model, **{name: part.numpy() for name, part in parts(looks).items()})
        return looks
    with np.load(path) as stored:
        for key, own, what in (("names", names, "images"), ("model", model, "weights")):
            if key not in stored or stored[key].tolist() != own:
                raise InputError(f"{path.name} holds features of other {what}: delete it, or name another cache folder")
        features = [name for name in stored.files if name not in ("names", "model")]
        return ImageFeatures(**{name: torch.from_numpy(stored[name]) for name in features})


def parts(looks: ImageFeatures) -> dict[str, torch.Tensor]:
    """The tensors that the features consist of, by name."""
    return {name: part for name, part in vars(looks).items() if part is not None}
