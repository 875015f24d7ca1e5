"""A supervised classifier as a tagger: the probabilities of the classes that mean a tag."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from PIL import Image

from ram.evaluation.metrics import Floats
from ram.training.data_engine.class_tags import class_tags


class ClassTagger:
    """Sum the probabilities of a tag's classes: those of its name, and those that are kinds of it.

    A tag that no class means has the score 0: a classifier knows its classes only.

    Args:
        classify: RGB image to (classes,) probabilities.
        names: names of each class, the usual one first.
        tags: what to score.
        name: for tables.
    """

    probabilities = True

    def __init__(
        self,
        classify: Callable[[Image.Image], torch.Tensor],
        names: Sequence[Sequence[str]],
        tags: Sequence[str],
        name: str = "classifier",
    ) -> None:
        self._classify, self.name, self.tags = classify, name, tuple(tags)
        known = {tag.casefold(): tag for tag in self.tags}
        self._means = torch.zeros(len(self.tags), len(names))
        for column, of in enumerate(class_tags(names, known)):
            for tag in of.tags:
                self._means[self.tags.index(tag), column] = 1

    @property
    def known(self) -> int:
        """Number of tags that some class means."""
        return int(self._means.any(dim=1).sum())

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) probabilities."""
        return (self._means @ self._classify(picture)).double().clamp(0, 1).numpy()
