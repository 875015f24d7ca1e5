"""A dense teacher: what a backbone's ImageNet classifier sees in an image and in its parts, as everyday tags.

Global pooling comes before the classifier, so the same classifier reads any part of an image (re-labelled ImageNet, Yun
et al. 2021). Its 1,000 classes are mapped to everyday names and what these are kinds of ("corgi", "dog", "animal"), in
``everyday_classes.csv``; several crops add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ram.errors import InputError
from ram.text.files import package_file, read_table
from ram.training.data.triplets import Triplets

CLASSES = package_file("training/data_engine/everyday_classes.csv")
RIVALS = 10
"""Classes nearest to a class, whose tags its images are taken for most easily."""


@dataclass(frozen=True, eq=False)
class DenseTeacher:
    """A linear classifier that is read everywhere.

    Args:
        weight, bias: (classes, channels) and (classes,).
        members: (classes, tags) 1 where a tag holds wherever the class does.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    members: torch.Tensor

    @torch.inference_mode()
    def look(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, patches, channels) of a square, row by row, to the probabilities of tags.

        Returns:
            (n, tags) of the whole image, and (n, tags) of the part that shows the tag best: every square of half the
            width and height, in steps of a quarter.
        """
        logits = patches @ self.weight.T + self.bias
        whole = logits.mean(dim=1).softmax(dim=-1) @ self.members
        return whole, (half_windows(logits).softmax(dim=-1) @ self.members).amax(dim=1)


def half_windows(values: torch.Tensor) -> torch.Tensor:
    """(n, patches, channels) of a square, row by row, to (n, 9, channels): means of its windows.

    They have half the width and height, and lie a quarter apart.

    Raises:
        InputError: the patches are no square with 4, 8 ... a side.
    """
    side = round(values.shape[1] ** 0.5)
    if side**2 != values.shape[1] or side % 4:
        raise InputError(f"{values.shape[1]} patches: the dense teacher needs a square with 4, 8 ... a side")
    step, squares = side // 4, values.unflatten(1, (side, side))
    starts = range(0, 2 * step + 1, step)
    windows = [
        squares[:, top : top + 2 * step, left : left + 2 * step].mean(dim=(1, 2)) for top in starts for left in starts
    ]
    return torch.stack(windows, dim=1)


def class_membership(ids: Mapping[str, int], path: Path = CLASSES, kinds: bool = True) -> torch.Tensor:
    """(classes, tags) 1 where a class means a tag or is a kind of it, for the tags of a label system.

    Args:
        ids: tag to its column.
        path: CSV file with the columns class, name, tag and kinds.
        kinds: False for the tag that a class means alone.
    """
    rows = [row for _, row in read_table(path, ("class", "tag", "kinds"))]
    members = torch.zeros(len(rows), len(ids))
    for row in rows:
        for tag in (row["tag"], *(row["kinds"].split(";") if kinds else ())):
            if tag in ids:
                members[int(row["class"]), ids[tag]] = 1
    return members


def generated(whole: torch.Tensor, part: torch.Tensor, sure: float, agreed: float) -> torch.Tensor:
    """(n, tags) True where the teacher's tags join those that are given.

    Args:
        whole, part: (n, tags) of :meth:`DenseTeacher.look`, or their mean over crops.
        sure: probability over which one of the two is enough.
        agreed: probability over which both together are.
    """
    return (torch.maximum(whole, part) > sure) | (torch.minimum(whole, part) > agreed)


def rival_tags(weight: torch.Tensor, own: torch.Tensor, members: torch.Tensor, count: int = RIVALS) -> torch.Tensor:
    """(tags, tags) True where the classes of two tags look alike, and neither tag is a kind of the other.

    Args:
        weight: (classes, channels) of the classifier: classes that look alike have weights of about one direction.
        own, members: (classes, tags) of :func:`class_membership`, without and with kinds.
        count: nearest classes of each.
    """
    directions = torch.nn.functional.normalize(weight, dim=1)
    alike = directions @ directions.T
    alike.fill_diagonal_(-1)
    near = torch.zeros_like(alike).scatter_(1, alike.topk(min(count, len(alike) - 1)).indices, 1.0)
    return (own.T @ near @ own > 0) & ~(members.T @ members > 0)


def rejected(
    whole: torch.Tensor, part: torch.Tensor, rivals: torch.Tensor, sure: float, below: float
) -> torch.Tensor:
    """(n, tags) True where the teacher is sure of a tag and does not see another one that looks alike.

    Args:
        whole, part: as for :func:`generated`.
        rivals: of :func:`rival_tags`.
        sure: probability over which the tag is seen, in the image or a part of it.
        below: probability under which its rival is not seen, neither in the image nor in any part.
    """
    seen = torch.maximum(whole, part)
    return ((seen > sure).float() @ rivals.float() > 0) & (seen < below)


def join_dense_tags(triplets: Triplets, seen: torch.Tensor, absent: torch.Tensor) -> Triplets:
    """Triplets whose tags are joined by what the teacher sees, and what it rejects: both (images, tags)."""
    targets = triplets.targets[:] | seen
    return replace(triplets, targets=targets, known=triplets.known[:] | seen | absent)
