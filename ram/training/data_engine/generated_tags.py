"""Generated tags (RAM, section 3.3): confident classes of a classifier are added to the parsed tags.

A class that shares a name with a tag, or is of its kind, makes the tag a positive. Other classes become further text
queries, which are known only where the classifier is confident that they are present or absent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ram.describers.template import TemplateDescriber
from ram.errors import InputError
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.files import read_lines
from ram.text.vocabulary import TagVocabulary
from ram.training.data.triplets import Triplets
from ram.training.data_engine.class_tags import class_tags, excluded
from ram.training.recipe_sections import GeneratedRecipe

PROMPTS = 4
"""Template sentences that describe a class which is not a tag."""


@dataclass(frozen=True, eq=False)
class GeneratedTags:
    """Triplets with generated tags.

    Args:
        triplets: the columns of ``targets`` and ``known`` are the tags, then the classes that are not tags.
        classes: descriptions of these classes.
        report: number of images by added tag or class, and the classes that were left out.
    """

    triplets: Triplets
    classes: TagDescriptions
    report: dict[str, Any]


def generate_tags(
    triplets: Triplets,
    probabilities: torch.Tensor,
    names: Sequence[Sequence[str]],
    vocabulary: TagVocabulary,
    synonyms: Mapping[str, str],
    recipe: GeneratedRecipe,
    exclude: Collection[str] = (),
) -> GeneratedTags:
    """Add the confident classes of a classifier to the tags of images.

    Args:
        triplets: images with their parsed tags.
        probabilities: (images, classes).
        names: names of each class, the usual one first.
        vocabulary: the tags.
        synonyms: maps other words to tags.
        recipe: the thresholds.
        exclude: classes with a name that contains one of these words are left out.
    """
    words = {word.casefold(): tag for word, tag in synonyms.items()} | {tag.casefold(): tag for tag in vocabulary.tags}
    of_tag = torch.zeros(probabilities.shape[1], len(vocabulary))
    further: dict[str, list[int]] = {}
    left_out = []
    for index, found in enumerate(class_tags(names, words)):
        if any(excluded(name, exclude) for name in names[index]):
            left_out.append(found.name)
            continue
        for tag in found.tags:
            of_tag[index, vocabulary.id(tag)] = 1
        if found.same is None and found.name not in words:
            further.setdefault(found.name, []).append(index)
    seen = probabilities @ of_tag > recipe.threshold
    sums = [probabilities[:, group].sum(dim=1) for group in further.values()]
    of_class = torch.stack(sums, dim=1) if sums else probabilities[:, :0]
    present = of_class > recipe.threshold
    occurs = present.any(dim=0)
    of_class, present = of_class[:, occurs], present[:, occurs]
    classes = [name for name, any_image in zip(further, occurs.tolist(), strict=True) if any_image]
    new = seen & ~triplets.targets[:]
    describer = TemplateDescriber()
    return GeneratedTags(
        replace(
            triplets,
            targets=torch.cat([triplets.targets[:] | seen, present], dim=1),
            known=torch.cat([triplets.known[:] | seen, present | (of_class < recipe.absent_below)], dim=1),
        ),
        TagDescriptions(
            {name: tuple(islice(describer.describe(name), PROMPTS)) for name in classes}, Origin(describer.name)
        ),
        {
            "threshold": recipe.threshold,
            "tags": _counts(vocabulary.tags, new),
            "classes": _counts(classes, present),
            "left out": sorted(set(left_out)),
        },
    )


def read_words(path: Path) -> tuple[str, ...]:
    """Read the lines of a text file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return tuple(read_lines(path))
    except InputError as error:
        raise InputError(f"generated.exclude names {path.name}, which cannot be read: {error}") from None


def _counts(names: Sequence[str], present: torch.Tensor) -> dict[str, int]:
    """Count the images of each name, the most frequent first, without names of no image."""
    counts = dict(zip(names, present.sum(dim=0).tolist(), strict=True))
    return {name: counts[name] for name in sorted(counts, key=lambda name: -counts[name]) if counts[name]}
