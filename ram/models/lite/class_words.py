"""A frozen classifier's verdict in the text encoder's space: class probabilities times class-name embeddings."""

from __future__ import annotations

import torch
from torch import nn


class ClassWords(nn.Module):
    """Express an image as the mean embedding of its classes' names, weighted by their probabilities.

    This is ConSE (Norouzi et al. 2014): an image feature in the text encoder's space that knows things which no caption
    of the training images mentions. Nothing in it is learned; :meth:`set` fills it and it is saved with the weights.

    Args:
        classes: number of classes.
        channels: width of the backbone's patches.
        dim: width of the text embeddings.
        temperature: divides the classifier's logits; above 1, more classes than the first count.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    words: torch.Tensor
    center: torch.Tensor

    def __init__(self, classes: int, channels: int, dim: int, temperature: float = 2.0) -> None:
        super().__init__()
        self.temperature = temperature
        self.register_buffer("weight", torch.zeros(classes, channels))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("words", torch.zeros(classes, dim))
        self.register_buffer("center", torch.zeros(dim))

    def set(self, weight: torch.Tensor, bias: torch.Tensor, words: torch.Tensor) -> None:
        """Copy a classifier and the embeddings of its class names.

        The embeddings are stored around their mean, which tells no class from another, at standard deviation 1.

        Args:
            weight, bias: (classes, channels) and (classes,).
            words: (classes, dim).
        """
        center = words.mean(dim=0)
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.center.copy_(center)
        self.words.copy_((words - center) / (words - center).std())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., channels) features of the backbone to (..., classes) logits."""
        return features @ self.weight.T + self.bias

    def embed(self, classes: torch.Tensor) -> torch.Tensor:
        """(..., classes) logits to (..., dim) embeddings around 0."""
        return (classes / self.temperature).softmax(dim=-1).to(self.words.dtype) @ self.words
