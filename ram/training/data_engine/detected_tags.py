"""A detector as a teacher: which of its classes training images show and which they lack.

A closed-set detector knows a few everyday objects well, small ones among them, and says of each image which of them it
lacks. A source that is annotated by hand or from captions says little about that.
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
        images: paths below the data folder, in the order of the rows, to their row.
        probabilities: (images, tags) of the best region of each class.
    """

    tags: tuple[str, ...]
    kinds: Mapping[str, tuple[str, ...]]
    images: Mapping[str, int]
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
            images = {image: row for row, image in enumerate(content["images"])}
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            raise InputError(
                f'{path.name} is not {{"tags": ["dog", ...], "kinds": {{"dog": ["animal"]}}, "images": '
                '{"folder/1.jpg": [255, ...]}} with a number from 0 to 255 for each tag'
            ) from None
        if len(codes) != len(images):
            raise InputError(f"{path.name} has {len(codes)} rows of probabilities for {len(images)} images")
        return cls(tags, kinds, images, codes.float() / CODES)

    def of(
        self, pictures: Sequence[object], data: Path, ids: Mapping[str, int], sure: float, absent: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What is known of images: a tag is present over ``sure`` and absent under ``absent``.

        What a present tag implies is present as well, and a tag that implies an absent one is absent: without a dog
        there is no corgi.

        Args:
            pictures: (images,) paths below ``data``; of any other, or one without detections, nothing is known.
            data: folder that the paths of the file are below.
            ids: tag to its column.
            sure, absent: probabilities.

        Returns:
            (images, tags of ``ids``) booleans three times: present, absent, and doubtful for what lies in between.
        """
        rows = torch.tensor([self.images.get(_below(picture, data), -1) for picture in pictures])
        seen, looked = self.probabilities[rows.clamp(min=0)], rows[:, None] >= 0
        own, implied, members = self._relations(ids)
        present = ((seen > sure) & looked).float() @ implied > 0
        lacked = ((seen < absent) & looked).float() @ members > 0
        doubtful = ((seen >= absent) & (seen <= sure) & looked).float() @ own > 0
        return present, lacked & ~present, doubtful & ~present

    def _relations(self, ids: Mapping[str, int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(classes, tags) 1 for the class's own tag; for what it implies, too; and for what implies it."""
        above = torch.eye(len(ids))
        for tag, kinds in self.kinds.items():
            for kind in kinds:
                if tag in ids and kind in ids:
                    above[ids[tag], ids[kind]] = 1
        own = torch.zeros(len(self.tags), len(ids))
        for row, tag in enumerate(self.tags):
            if tag in ids:
                own[row, ids[tag]] = 1
        return own, own @ above, own @ above.T


def _below(picture: object, data: Path) -> str:
    return picture.relative_to(data).as_posix() if isinstance(picture, Path) and picture.is_relative_to(data) else ""


def join_detected_tags(
    triplets: Triplets, present: torch.Tensor, absent: torch.Tensor, doubtful: torch.Tensor
) -> Triplets:
    """Triplets whose tags are joined by what a detector sees: all (images, tags) of :meth:`DetectedTags.of`.

    A tag that an image has stays. A doubtful one that it lacks becomes unknown, also where its source seems complete.
    """
    targets = triplets.targets[:] | present
    return replace(triplets, targets=targets, known=targets | absent | (triplets.known[:] & ~doubtful))
