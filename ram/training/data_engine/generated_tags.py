"""Generated tags (RAM, section 3.3): what a classifier is sure of joins the parsed tags, for the decoder to learn.

A class that shares a name with a tag, or is of its kind, makes the tag a positive. Other classes become further text
queries, known only where the classifier is sure that they are there or are not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ram.describers.template import TemplateDescriber
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.vocabulary import TagVocabulary
from ram.training.data.triplets import Triplets
from ram.training.data_engine.class_tags import class_tags, excluded

PROMPTS = 4
"""Template sentences that describe a class which is no tag."""


@dataclass(frozen=True)
class GeneratedRecipe:
    """What of a classifier's answers is joined to the parsed tags.

    Args:
        threshold: probability over which a class, or all classes of a tag together, are there; 1 generates nothing.
        absent_below: probability under which a class that is no tag is not there; in between it is unknown.
        exclude: text file below the data folder, a tag a line: classes whose names hold one are left out.
        dense_sure, dense_agreed: probabilities over which tags that the classifier sees in the image or in a part of it
            join (see :func:`ram.training.data_engine.dense_tags.generated`); 1 generates none.
    """

    threshold: float = 1.0
    absent_below: float = 0.01
    exclude: str = ""
    dense_sure: float = 1.0
    dense_agreed: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.dense_agreed <= self.dense_sure <= 1 and self.dense_sure < 1:
            raise ValueError(
                f"generated.dense_sure is {self.dense_sure} and dense_agreed {self.dense_agreed}: they must be over 0, "
                "and dense_agreed at most dense_sure"
            )
        if not 0 < self.threshold <= 1:
            raise ValueError(f"generated.threshold is {self.threshold}: it must be over 0 and at most 1")
        if not 0 <= self.absent_below <= self.threshold:
            raise ValueError(
                f"generated.absent_below is {self.absent_below}: it must lie between 0 and generated.threshold"
            )


@dataclass(frozen=True, eq=False)
class GeneratedTags:
    """Triplets with more tags than were parsed.

    Args:
        triplets: the columns of ``targets`` and ``known`` are the tags, then the classes that are none.
        classes: descriptions of the latter.
        report: how many pictures got which tag or class, and what was left out; for the log.
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
    """Join what a classifier is sure of.

    Args:
        triplets: n pictures with their parsed tags.
        probabilities: (n, classes).
        names: of each class, the usual one first.
        vocabulary: the tags.
        synonyms: other words for them: word to tag.
        recipe: how sure is sure.
        exclude: classes with a name that holds one of these words are left out.
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
    there = of_class > recipe.threshold
    kept = there.any(dim=0)
    of_class, there = of_class[:, kept], there[:, kept]
    classes = [name for name, keep in zip(further, kept.tolist(), strict=True) if keep]
    new = seen & ~triplets.targets[:]
    describer = TemplateDescriber()
    return GeneratedTags(
        replace(
            triplets,
            targets=torch.cat([triplets.targets[:] | seen, there], dim=1),
            known=torch.cat([triplets.known[:] | seen, there | (of_class < recipe.absent_below)], dim=1),
        ),
        TagDescriptions(
            {name: tuple(islice(describer.describe(name), PROMPTS)) for name in classes}, Origin(describer.name)
        ),
        {
            "threshold": recipe.threshold,
            "tags": _counts(vocabulary.tags, new),
            "classes": _counts(classes, there),
            "left out": sorted(set(left_out)),
        },
    )


def read_words(path: Path) -> tuple[str, ...]:
    """The lines of a text file; ValueError where it cannot be read."""
    try:
        return tuple(filter(None, map(str.strip, path.read_text(encoding="utf-8-sig").splitlines())))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ValueError(f"generated.exclude names {path.name}, which cannot be read: {reason}") from None


def _counts(names: Sequence[str], there: torch.Tensor) -> dict[str, int]:
    """Pictures of each, the most first, those of none left out."""
    counts = dict(zip(names, there.sum(dim=0).tolist(), strict=True))
    return {name: counts[name] for name in sorted(counts, key=lambda name: -counts[name]) if counts[name]}
