"""The captioner of Tag2Text and RAM: tags and image tokens to a sentence.

Two stacks of layers (Tag2Text, Figure 3). The image-tag interaction encoder reads the tags as text, "dog | grass",
while attending to the image tokens. The image-tag-text decoder writes the caption, token by token, while attending to
the encoder's states: it sees the image only through them, so that a person who changes the tags changes the caption.
With ``config.attend_image``, which the papers have not, it attends to the image tokens too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ram.models.captioner_config import CaptionerConfig
from ram.models.decoder import NORM_EPS, AlignmentBlock
from ram.models.losses import caption_loss
from ram.models.text_layers import KeyValues, TextEmbeddings, TextLayer
from ram.text.wordpiece import WordPiece


class ImageContext(NamedTuple):
    """Keys and values of image tokens, which all captions of an image share.

    Args:
        encoder: of each layer of the interaction encoder.
        decoder: of each layer of a text decoder that attends to the image; else empty.
    """

    encoder: Sequence[KeyValues]
    decoder: Sequence[KeyValues] = ()

    def rows(self, index: torch.Tensor) -> ImageContext:
        """Some of the images, by a tensor of indices."""
        return ImageContext([part.rows(index) for part in self.encoder], [part.rows(index) for part in self.decoder])


class Guidance(NamedTuple):
    """Context that the text decoder attends to: the output of the interaction encoder.

    Args:
        states: (batch, n, hidden).
        mask: (batch, n) booleans, True where the text decoder attends; None for everywhere.
        image: keys and values of the image tokens where the text decoder attends to them; else empty.
    """

    states: torch.Tensor
    mask: torch.Tensor | None = None
    image: Sequence[KeyValues] = ()


class Captioner(nn.Module):
    """Image-tag interaction encoder and image-tag-text decoder.

    Texts are (batch, n) ids that :class:`ram.models.caption_text.CaptionText` makes, shorter ones filled up with
    ``config.pad``.

    Args:
        config: sizes and special tokens.
        context_dim: width of the image tokens.
        tied: blocks of the alignment decoder whose weights the first layers of the interaction encoder use, with the
            captioner's number of heads. They stay the decoder's: the captioner has no parameters of these.

    Attributes:
        words: the vocabulary, which comes with the weights; None as long as only ids are needed.
    """

    def __init__(self, config: CaptionerConfig, context_dim: int, tied: Sequence[AlignmentBlock] = ()) -> None:
        super().__init__()
        self.config = config
        self.words: WordPiece | None = None
        self.text_decoder = TextDecoder(config)
        self.tag_encoder = TagEncoder(config, context_dim, tied)
        self.project_image = nn.Linear(context_dim, config.hidden) if config.attend_image else None
        self.apply(_initialize)

    def forward(self, tokens: torch.Tensor, tags: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n, vocabulary) of the token after each one of the captions.

        Args:
            tokens: (batch, tokens, context_dim) of the image encoder, the pooled one first.
            tags: (batch, m) ids.
            captions: (batch, n) ids.
        """
        return self.text_decoder.logits(self.states(self.guide(tokens, tags), captions))

    def loss(
        self,
        tokens: torch.Tensor,
        tags: torch.Tensor,
        captions: torch.Tensor,
        prompt_length: int = 4,
        smoothing: float = 0.1,
    ) -> torch.Tensor:
        """Caption loss: cross entropy of each token after the prompt, with label smoothing.

        Args:
            tokens, tags, captions: as for :meth:`forward`.
            prompt_length: first tokens of the captions that are not predicted: [DEC] and the prompt's.
            smoothing: share of the target that goes to all tokens alike.

        Returns:
            The mean over all predicted tokens, a scalar in float32.
        """
        logits = self(tokens, tags, captions)[:, prompt_length - 1 : -1]
        targets = captions[:, prompt_length:]
        return caption_loss(logits, targets, targets != self.config.pad, smoothing)

    def guide(self, tokens: torch.Tensor, tags: torch.Tensor) -> Guidance:
        """Let the tags, (batch, m) ids, attend to the image tokens (batch, tokens, context_dim)."""
        return self.guide_by(self.read_image(tokens), tags)

    def read_image(self, tokens: torch.Tensor) -> ImageContext:
        """Compute the keys and values of image tokens (batch, tokens, context_dim), once for all captions."""
        encoder = self.tag_encoder.read_image(tokens)
        if self.project_image is None:
            return ImageContext(encoder)
        return ImageContext(encoder, self.text_decoder.read_context(self.project_image(tokens)))

    def guide_by(self, image: ImageContext, tags: torch.Tensor) -> Guidance:
        """Let the tags, (batch, m) ids, attend to images that were read."""
        if self.config.attend_padding:
            tags = F.pad(tags, (0, self.config.tag_tokens - tags.shape[1]), value=self.config.pad)
        there = tags != self.config.pad
        shared = self.text_decoder.embeddings if self.config.shared_words else None
        states = self.tag_encoder(tags, image.encoder, _for_heads(there), shared)
        return Guidance(states, None if self.config.attend_padding else there, image.decoder)

    def states(self, guidance: Guidance, captions: torch.Tensor) -> torch.Tensor:
        """(batch, n, hidden) states of the text decoder that reads whole captions, (batch, n) ids."""
        n = captions.shape[1]
        causal = torch.ones(n, n, dtype=torch.bool, device=captions.device).tril()
        mask = causal & (captions != self.config.pad)[:, None, None]
        contexts, context_mask = self.text_decoder.read_guidance(guidance)
        return self.text_decoder(captions, contexts, mask, _for_heads(context_mask))[0]

    def reader(self, guidance: Guidance) -> CaptionReader:
        """A text decoder that has read nothing yet, for :mod:`ram.models.caption_generation`."""
        return CaptionReader(self.text_decoder, guidance)


class TagEncoder(nn.Module):
    """Image-tag interaction encoder: the tags' tokens attend to each other and to the image."""

    def __init__(self, config: CaptionerConfig, context_dim: int, tied: Sequence[AlignmentBlock]) -> None:
        super().__init__()
        if not config.shared_words:
            self.embeddings = _embeddings(config)
        self.layers = nn.ModuleList(
            _layer(config, context_dim, tied[i] if i < config.tied_layers else None)
            for i in range(config.encoder_layers)
        )

    def read_image(self, tokens: torch.Tensor) -> list[KeyValues]:
        """Keys and values of every layer from image tokens (batch, tokens, context_dim)."""
        return [layer.read(tokens) for layer in self.layers]  # type: ignore[operator]

    def forward(
        self,
        tags: torch.Tensor,
        image: Sequence[KeyValues],
        mask: torch.Tensor | None,
        embeddings: nn.Module | None = None,
    ) -> torch.Tensor:
        """(batch, m) ids and the images of :meth:`read_image` to (batch, m, hidden); embeddings where it has none."""
        states = (self.embeddings if embeddings is None else embeddings)(tags)
        for layer, context in zip(self.layers, image, strict=True):
            states, _ = layer(states, context, mask)
        return states


class TextDecoder(nn.Module):
    """Image-tag-text decoder: the caption's tokens attend to those before them and to the tags' states.

    The logits are products with the word embeddings.
    """

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.embeddings = _embeddings(config)
        self.layers = nn.ModuleList(_layer(config, hidden) for _ in range(config.decoder_layers))
        self.transform = nn.Linear(hidden, hidden)
        self.transform_norm = nn.LayerNorm(hidden, eps=NORM_EPS)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))

    def read_context(self, states: torch.Tensor) -> list[KeyValues]:
        """Keys and values of every layer from the tags' (batch, m, hidden) states."""
        return [layer.read(states) for layer in self.layers]  # type: ignore[operator]

    def read_guidance(self, guidance: Guidance) -> tuple[list[KeyValues], torch.Tensor | None]:
        """Keys and values of every layer from all that the decoder attends to, and its (batch, n) mask."""
        contexts, mask = self.read_context(guidance.states), guidance.mask
        if guidance.image:
            contexts = [tags.then(image) for tags, image in zip(contexts, guidance.image, strict=True)]
            mask = None if mask is None else F.pad(mask, (0, guidance.image[0].keys.shape[2]), value=True)
        return contexts, mask

    def forward(
        self,
        ids: torch.Tensor,
        contexts: Sequence[KeyValues],
        mask: torch.Tensor | None,
        context_mask: torch.Tensor | None,
        past: Sequence[KeyValues] = (),
    ) -> tuple[torch.Tensor, list[KeyValues]]:
        """States of tokens that follow those of the past.

        Args:
            ids: (rows, n); equally many rows for each image, one after another.
            contexts: of :meth:`read_context`.
            mask, context_mask: as for :class:`ram.models.text_layers.TextLayer`.
            past: what this method returned for the tokens before; none at the start.

        Returns:
            (rows, n, hidden), and each layer's keys and values of all tokens so far.
        """
        states = self.embeddings(ids, past[0].keys.shape[2] if past else 0)
        present = []
        for i, layer in enumerate(self.layers):
            states, memory = layer(states, contexts[i], mask, context_mask, past[i] if past else None)
            present.append(memory)
        return states, present

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """(..., hidden) to (..., vocabulary)."""
        states = self.transform_norm(F.gelu(self.transform(states)))
        return F.linear(states, self.embeddings.words.weight, self.bias)


class CaptionReader:
    """Text decoder with a key-value cache, so that each token is read once.

    Args:
        decoder: reads the captions.
        guidance: of one or more images.
    """

    def __init__(self, decoder: TextDecoder, guidance: Guidance) -> None:
        self._decoder = decoder
        self._contexts, self._context_mask = decoder.read_guidance(guidance)
        self._past: list[KeyValues] = []

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Read (rows, n) further tokens without padding; returns (rows, vocabulary) logits of the next one."""
        before, n = self._past[0].keys.shape[2] if self._past else 0, ids.shape[1]
        mask = torch.ones(n, before + n, dtype=torch.bool, device=ids.device).tril(before) if n > 1 else None
        states, self._past = self._decoder(ids, self._contexts, mask, _for_heads(self._context_mask), self._past)
        return self._decoder.logits(states[:, -1])

    def select(self, rows: torch.Tensor, images: torch.Tensor) -> None:
        """Go on with some rows, equally many for each of some images, in order."""
        self._past = [memory.rows(rows) for memory in self._past]
        if len(images) < len(self._contexts[0].keys):
            self._contexts = [context.rows(images) for context in self._contexts]
            self._context_mask = None if self._context_mask is None else self._context_mask[images]


def _embeddings(config: CaptionerConfig) -> TextEmbeddings:
    return TextEmbeddings(config.vocabulary, config.positions, config.hidden, config.pad, config.dropout)


def _layer(config: CaptionerConfig, context_dim: int, tied: AlignmentBlock | None = None) -> TextLayer:
    hidden, heads, dropout = config.hidden, config.heads, config.dropout
    alignment = None if tied else AlignmentBlock(hidden, context_dim, heads, config.intermediate, dropout)
    return TextLayer(hidden, heads, dropout, alignment, tied)


def _for_heads(mask: torch.Tensor | None) -> torch.Tensor | None:
    """(batch, n) to (batch, 1, 1, n)."""
    return None if mask is None else mask[:, None, None]


def _initialize(module: nn.Module) -> None:
    """Initialise as BERT does: normal with a deviation of 0.02, biases zero."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
