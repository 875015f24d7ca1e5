"""What a frozen classifier says of a picture, in words: its class probabilities, spent on embeddings of class names."""

from __future__ import annotations

import torch
from torch import nn


class ClassWords(nn.Module):
    """Class probabilities times class-name embeddings (ConSE, Norouzi et al. 2014): an image feature that already lives
    in the text encoder's space, and knows things that no caption of the training pictures mentions.

    Nothing in it is learnt; :meth:`set` fills it and it is kept with the weights.

    Args:
        classes: number of classes.
        channels: width of the backbone's patches.
        dim: width of the text embeddings.
        temperature: divides the classifier's logits; over 1, the runners-up are heard too.
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
        """Take over a classifier, (classes, channels) and (classes,), and (classes, dim) embeddings of its classes.

        The embeddings are kept around their mean, which all classes share and which says nothing, at deviation 1.
        """
        center = words.mean(dim=0)
        self.weight.copy_(weight)
        self.bias.copy_(bias)
        self.center.copy_(center)
        self.words.copy_((words - center) / (words - center).std())

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(..., channels) features as the classifier knows them to (..., classes) logits."""
        return features @ self.weight.T + self.bias

    def spell(self, logits: torch.Tensor) -> torch.Tensor:
        """(..., classes) logits to (..., dim) embeddings around 0."""
        return (logits / self.temperature).softmax(dim=-1).to(self.words.dtype) @ self.words
