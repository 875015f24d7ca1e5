"""Captions of training images with the tags that guide them, drawn for a step and turned into ids."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from ram.caption_writing import spoken
from ram.errors import InputError
from ram.labels.hypernyms import load_kinds
from ram.models.caption_text import CaptionText
from ram.text.files import package_file
from ram.text.small_wordpiece import plain_caption
from ram.text.vocabulary import TagVocabulary
from ram.training.consensus import Consensus
from ram.training.data.triplets import Triplets
from ram.training.recipe_sections import CaptionRecipe


@dataclass(frozen=True, eq=False)
class GuidedCaptions:
    """Captions of a batch, with their tags.

    Args:
        images: (captions,) index in the batch of the image of each.
        captions: (captions, n) ids, padded.
        tags: (captions, m) ids of the tags that the interaction encoder reads, padded.
        prompt: first tokens of every caption, which are not predicted.
        predicted: tokens that are predicted in all captions of the batch, also where these are some of them.
    """

    images: torch.Tensor
    captions: torch.Tensor
    tags: torch.Tensor
    prompt: int
    predicted: int

    def __len__(self) -> int:
        return len(self.images)

    def of(self, rows: slice, shown_in: torch.Tensor | None = None) -> GuidedCaptions:
        """Return the captions of some images of the batch, with the row of the features that shows each image.

        Args:
            rows: of the batch.
            shown_in: (batch,) row of each image; counted from the first one of ``rows`` where None.
        """
        start, stop, _ = rows.indices(2**62)
        kept = (self.images >= start) & (self.images < stop)
        images = self.images[kept]
        images = images - start if shown_in is None else shown_in[images]
        return replace(self, images=images, captions=self.captions[kept], tags=self.tags[kept])

    def to(self, device: torch.device) -> GuidedCaptions:
        """Move the tensors to a device."""
        parts = {name: getattr(self, name).to(device) for name in ("images", "captions", "tags")}
        return replace(self, **parts)


class CaptionSampler:
    """Draws captions of images and the tags that guide them.

    Tags that others of a caption imply are never given: a person who gives "animal" wants to read it, and a caption
    that names a dog does not have it.

    Args:
        triplets: images with captions and tags; where the tags of a caption are not listed, those of the image whose
            names are in it are taken.
        vocabulary: the tags.
        text: turns captions and tags into ids.
        recipe: what is given and seen.

    Raises:
        InputError: no image has a caption.
    """

    def __init__(
        self, triplets: Triplets, vocabulary: TagVocabulary, text: CaptionText, recipe: CaptionRecipe
    ) -> None:
        if not any(triplets.captions):
            raise InputError("the triplets hold no caption: leave the objective captioning out of the recipe")
        _, hypernyms = load_kinds(package_file("labels/everyday/kinds.csv"))
        self._triplets = triplets
        self._text = text
        self._recipe = recipe
        self._names = spoken(vocabulary.tags, set(vocabulary.tags))
        self._implied = [hypernyms[tag] for tag in vocabulary.tags]

    def draw(self, ids: torch.Tensor, each: int, generator: torch.Generator, first: int = 0) -> GuidedCaptions:
        """Draw at most ``each`` different captions of every image that has any.

        Args:
            ids: (batch,) indices of images.
            each: captions per image.
            generator: source of randomness.
            first: index in the batch of the first image whose captions are drawn.
        """
        draws = random.Random(int(torch.randint(2**62, (1,), generator=generator)))
        targets = self._triplets.targets[ids][:, : len(self._names)]
        tags = [row.nonzero()[:, 0].tolist() for row in targets]
        images, captions, given, seen = [], [], [], []
        for index, image in enumerate(ids.tolist()):
            texts = self._triplets.captions[image] if index >= first else ()
            for caption in draws.sample(range(len(texts)), min(each, len(texts))):
                images.append(index)
                captions.append(plain_caption(texts[caption]))
                named = self._named(image, caption, tags[index])
                if self._text.config.seen_separator:
                    given.append(self._given(named, draws))
                    others = [tag for tag in tags[draws.randrange(len(tags))] if tag not in tags[index]]
                    seen.append(self._seen(tags[index], others, draws))
                else:
                    given.append([self._names[tag] for tag in named])
        ids_ = self._text.captions(captions, self._recipe.tokens)
        guides = self._text.tags(given, seen or None)
        prompt, pad = len(self._text.prompt), self._text.config.pad
        predicted = int((ids_[:, prompt:] != pad).sum())
        return GuidedCaptions(torch.tensor(images, dtype=torch.long), ids_, guides, prompt, predicted)

    @cached_property
    def consensus(self) -> Consensus:
        """Scores captions by how rare their words are in all captions."""
        prompt, pad = len(self._text.prompt), self._text.config.pad
        images = []
        for texts in filter(None, self._triplets.captions):
            rows = self._text.captions([plain_caption(text) for text in texts], self._recipe.tokens)
            images.append([[one for one in row if one != pad] for row in rows[:, prompt:].tolist()])
        return Consensus(images)

    def _named(self, image: int, caption: int, tags: Sequence[int]) -> list[int]:
        """Return the tags that a caption names."""
        if self._triplets.parsed and self._triplets.parsed[image]:
            return list(self._triplets.parsed[image][caption])
        text = f" {plain_caption(self._triplets.captions[image][caption])} "
        return [tag for tag in tags if f" {self._names[tag].lower()} " in text]

    def _given(self, named: Sequence[int], draws: random.Random) -> list[str]:
        implied = set[str]().union(*(self._implied[tag] for tag in named))
        names = [self._names[tag] for tag in named if self._names[tag] not in implied]
        if draws.random() < self._recipe.none_given or not self._recipe.given:
            return []
        return draws.sample(names, min(draws.randint(1, self._recipe.given), len(names)))

    def _seen(self, tags: Sequence[int], others: Sequence[int], draws: random.Random) -> list[str]:
        seen = [tag for tag in tags if draws.random() >= self._recipe.seen_dropped]
        if others and draws.random() < self._recipe.seen_false:
            seen.append(draws.choice(others))
        draws.shuffle(seen)
        return [self._names[tag] for tag in seen]
