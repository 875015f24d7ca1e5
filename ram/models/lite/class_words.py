"""A frozen classifier's verdict in the text encoder's space: class probabilities times class-name embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class ClassWords(nn.Module):
    """Express an image as the mean embedding of its classes' names, weighted by their probabilities.

    This is ConSE (Norouzi et al. 2014): an image feature in the text encoder's space that knows things which no caption
    of the training images mentions. Nothing in it is learned; :meth:`set` fills it and it is saved with the weights.

    ``words`` are what tokens are made of, and stay as the decoder has learned them. ``described`` and ``glosses`` are
    what tags are compared with: the same at first, better sentences after :meth:`describe`, which
    :meth:`use_described` brings to the tokens. All are around their means; ``center`` is that of ``described``.

    Args:
        classes: number of classes.
        channels: width of the backbone's patches.
        dim: width of the text embeddings.
        temperature: divides the classifier's logits; above 1, more classes than the first count.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    words: torch.Tensor
    described: torch.Tensor
    glosses: torch.Tensor
    center: torch.Tensor

    def __init__(self, classes: int, channels: int, dim: int, temperature: float = 2.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.register_buffer("weight", torch.zeros(classes, channels))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("words", torch.zeros(classes, dim))
        self.register_buffer("described", torch.zeros(classes, dim))
        self.register_buffer("glosses", torch.zeros(classes, dim))
        self.register_buffer("center", torch.zeros(dim))

    def set(self, weight: torch.Tensor, bias: torch.Tensor, words: torch.Tensor) -> None:
        """Copy a classifier and the embeddings of its class names.

        The embeddings are stored around their mean, which tells no class from another, at standard deviation 1.

        Args:
            weight, bias: (classes, channels) and (classes,).
            words: (classes, dim).
        """
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.describe(words)
        self.use_described()

    def describe(self, texts: torch.Tensor, glosses: torch.Tensor | None = None) -> None:
        """Compare tags with other texts of the classes, and with their glosses.

        Args:
            texts: (classes, dim) embeddings.
            glosses: the same, of what tells each class from all others, while several may share a text; None for
                ``texts``.
        """
        self.center.copy_(texts.mean(dim=0))
        self.described.copy_(texts - self.center)
        self.glosses.copy_(self.described if glosses is None else glosses - glosses.mean(dim=0))

    def likeness(self, means: torch.Tensor) -> torch.Tensor:
        """(tags, classes) cosines of tags and the nearer text of each class.

        Args:
            means: (tags, dim) mean descriptions.
        """
        centered = F.normalize(means - self.center.to(means.dtype), dim=-1)
        texts = (F.normalize(text, dim=-1).to(means.dtype) for text in (self.described, self.glosses))
        by_description, by_gloss = (centered @ text.T for text in texts)
        return torch.maximum(by_description, by_gloss)

    def use_described(self) -> None:
        """Make tokens of the texts that tags are compared with. A decoder that knew others has to learn them."""
        self.words.copy_(self.described / self.described.std())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., channels) features of the backbone to (..., classes) logits."""
        return features @ self.weight.T + self.bias

    @staticmethod
    def over_patches(probabilities: torch.Tensor, left: torch.Tensor | None = None) -> torch.Tensor:
        """Join the class probabilities of the patches of an image into one for each class.

        It is the geometric mean of two numbers: the mean over the patches, which is low for a small object, and the
        highest, which a single patch often gives to a class that the image does not show.

        Args:
            probabilities: (batch, patches, classes).
            left: (batch, patches) the patches that count; None for all.

        Returns:
            (batch, classes); 0 where no patch counts.
        """
        if left is None:
            return (probabilities.mean(dim=1) * probabilities.amax(dim=1)).sqrt()
        kept = probabilities * left[..., None]
        return (kept.sum(dim=1) / left.sum(dim=1, keepdim=True).clamp(min=1) * kept.amax(dim=1)).sqrt()

    def embed(self, classes: torch.Tensor) -> torch.Tensor:
        """(..., classes) logits to (..., dim) embeddings around 0."""
        return (classes / self.temperature).softmax(dim=-1).to(self.words.dtype) @ self.words
