"""A detector as a teacher: how probable it is that training images show its classes.

A closed-set detector knows a few everyday objects well, small ones among them, and says of each image which of them it
lacks. Captions and lists of tags say little about either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ram.errors import InputError
from ram.text.files import read_json, write_json
from ram.training.data.triplets import Triplets

CODES = 255
"""Code of a probability of 1 in a file."""


@dataclass(frozen=True, eq=False)
class DetectedTags:
    """Probabilities of a detector's classes in images.

    Args:
        tags: a tag for each class.
        kinds: tag to all its hypernyms.
        images: paths below the data folder.
        probabilities: (images, tags) that the image shows the class.
    """

    tags: tuple[str, ...]
    kinds: Mapping[str, tuple[str, ...]]
    images: tuple[str, ...]
    probabilities: torch.Tensor

    def save(self, path: Path) -> None:
        """Write a JSON file, probabilities in 8 bits."""
        codes = (self.probabilities * CODES).round().to(torch.uint8).tolist()
        kinds = {tag: list(above) for tag, above in self.kinds.items()}
        write_json(path, {"tags": self.tags, "kinds": kinds, "images": dict(zip(self.images, codes, strict=True))})

    @classmethod
    def load(cls, path: Path) -> DetectedTags:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: there is no such file, or it has another form.
        """
        if not path.is_file():
            raise InputError(f"there is no file of detections {path.name}: make it, or leave generated.detected empty")
        content = read_json(path)
        try:
            tags = tuple(content["tags"])
            kinds = {tag: tuple(above) for tag, above in content["kinds"].items()}
            codes = torch.tensor(list(content["images"].values()), dtype=torch.uint8).view(-1, len(tags))
            images = tuple(content["images"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            raise InputError(
                f'{path.name} is not {{"tags": ["dog", ...], "kinds": {{"dog": ["animal"]}}, "images": '
                '{"folder/1.jpg": [255, ...]}} with a number from 0 to 255 for each tag'
            ) from None
        if len(codes) != len(images):
            raise InputError(f"{path.name} has {len(codes)} rows of probabilities for {len(images)} images")
        return cls(tags, kinds, images, codes.float() / CODES)

    def of(self, pictures: Sequence[object], data: Path, columns: Sequence[str], absent: float) -> TagDraws:
        """The tags to draw for the images of a run.

        Args:
            pictures: (images,) paths below ``data``; nothing is said of any other, or of one without detections.
            data: folder that the paths of the file are below.
            columns: the tags of the label system.
            absent: probability under which an image does not show a class.
        """
        ids = {tag: column for column, tag in enumerate(columns)}
        rows_of_images = {image: row for row, image in enumerate(self.images)}
        rows = torch.tensor([rows_of_images.get(_below(picture, data), -1) for picture in pictures])
        own = torch.zeros(len(self.tags), len(ids))
        for row, tag in enumerate(self.tags):
            if tag in ids:
                own[row, ids[tag]] = 1
        above = torch.eye(len(ids))
        for tag, kinds in self.kinds.items():
            for kind in kinds:
                if tag in ids and kind in ids:
                    above[ids[tag], ids[kind]] = 1
        seen, looked = self.probabilities[rows.clamp(min=0)], rows >= 0
        seen = seen.where((seen >= absent) & looked[:, None], 0.0)
        return TagDraws(seen, looked, own, own @ above, own @ above.T)


@dataclass(frozen=True, eq=False)
class TagDraws:
    """Detected tags as training meets them: in each step drawn as often as they are probable.

    In expectation the loss is that of soft targets, and what is doubtful is neither lost nor taken for sure.

    Args:
        probabilities: (images, classes), 0 where a class is absent or nothing is said.
        looked: (images,) False for an image of which nothing is said.
        own: (classes, tags) 1 for the class's own tag.
        implied: (classes, tags) 1 for that and what it implies: a dog is an animal.
        members: (classes, tags) 1 for that and what implies it: without a dog there is no corgi.
    """

    probabilities: torch.Tensor
    looked: torch.Tensor
    own: torch.Tensor
    implied: torch.Tensor
    members: torch.Tensor

    def draw(self, ids: torch.Tensor, seeds: torch.Tensor) -> torch.Tensor:
        """(n, tags) True where a tag is drawn for the images ``ids`` (n,), by their seeds (n,)."""
        generators = (torch.Generator().manual_seed(seed ^ 1) for seed in seeds.tolist())  # the seed draws negatives
        chances = torch.stack([torch.rand(len(self.own), generator=generator) for generator in generators])
        return (chances < self.probabilities[ids]).float() @ self.implied > 0

    def join_known(self, triplets: Triplets) -> Triplets:
        """Triplets that know of each looked-at image whether it has a class, drawn or not, and what it lacks."""
        lacked = (self.probabilities == 0).float() @ self.members > 0
        decided = (lacked | self.own.any(dim=0)) & self.looked[:, None]
        return replace(triplets, known=triplets.known[:] | decided)


def _below(picture: object, data: Path) -> str:
    return picture.relative_to(data).as_posix() if isinstance(picture, Path) and picture.is_relative_to(data) else ""
