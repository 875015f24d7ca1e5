"""The caption loss of a step: each image is read once, and captions of about the same length together."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ram.models.captioner import Captioner, Guidance, ImageContext
from ram.training.data.guided_captions import GuidedCaptions


def captioning(
    captioner: Captioner, tokens: torch.Tensor, guided: GuidedCaptions, smoothing: float = 0.1, together: int = 0
) -> torch.Tensor:
    """Cross entropy of the captions' tokens after the prompt, with label smoothing (Tag2Text, section 3.3).

    It is the mean over all tokens that are predicted in the batch, of which this is the part of some images.

    Args:
        captioner: what learns.
        tokens: (images, tokens, dim) of the image encoder.
        guided: captions of these images.
        smoothing: share of the target that goes to all tokens alike.
        together: captions that are computed at the same time; 0 for all.
    """
    total = tokens.sum() * 0.0
    if not len(guided):
        return total
    image = captioner.read_image(tokens)
    guidance = _guide(captioner, image, guided, together)
    prompt, pad = guided.prompt, captioner.config.pad
    for rows, length in _alike((guided.captions != pad).sum(dim=1), together):
        captions = guided.captions[rows, :length]
        states = captioner.states(_rows(guidance, image.rows(guided.images[rows]), rows), captions[:, :-1])
        targets = captions[:, prompt:]
        known = targets != pad
        logits = captioner.text_decoder.logits(states[:, prompt - 1 :][known])
        total = total + F.cross_entropy(logits.float(), targets[known], label_smoothing=smoothing, reduction="sum")
    return total / guided.predicted


def _guide(captioner: Captioner, image: ImageContext, guided: GuidedCaptions, together: int) -> Guidance:
    """Run the interaction encoder over all tags, those of about the same length together."""
    parts, order = [], []
    for rows, length in _alike((guided.tags != captioner.config.pad).sum(dim=1), together):
        parts.append(captioner.guide_by(image.rows(guided.images[rows]), guided.tags[rows, :length]))
        order.append(rows)
    back = torch.cat(order).argsort()
    longest = max(part.states.shape[1] for part in parts)
    states = torch.cat([F.pad(part.states, (0, 0, 0, longest - part.states.shape[1])) for part in parts])[back]
    masks = [F.pad(part.mask, (0, longest - part.mask.shape[1])) for part in parts if part.mask is not None]
    return Guidance(states, torch.cat(masks)[back] if masks else None)


def _rows(guidance: Guidance, image: ImageContext, rows: torch.Tensor) -> Guidance:
    """Return the guidance of some captions, as long as the longest of their tags, with their images."""
    if guidance.mask is None:
        return Guidance(guidance.states[rows], None, image.decoder)
    mask = guidance.mask[rows]
    longest = int(mask.sum(dim=1).max())
    return Guidance(guidance.states[rows, :longest], mask[:, :longest], image.decoder)


def _alike(lengths: torch.Tensor, together: int) -> list[tuple[torch.Tensor, int]]:
    """Return indices of texts of about the same length, with the greatest length of each group."""
    order = lengths.argsort(stable=True) if together else torch.arange(len(lengths), device=lengths.device)
    return [(rows, int(lengths[rows].max())) for rows in order.split(together or len(lengths))]
