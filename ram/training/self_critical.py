"""Self-critical training: captions that the model draws learn from their consensus with those of people.

Cross entropy teaches each token after the right ones; at use a caption follows its own tokens, and is compared as a
whole. Here the model draws some captions of each image, and each becomes likelier as far as its CIDEr-D is above that
of the image's other draws (Rennie et al. 2017; the mean of the others as the baseline, Luo 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ram.models.caption_generation import Rules, write_samples
from ram.models.captioner import Captioner, Guidance
from ram.training.consensus import Consensus
from ram.training.data.guided_captions import GuidedCaptions


def self_critical(
    captioner: Captioner, tokens: torch.Tensor, guided: GuidedCaptions, consensus: Consensus, samples: int = 5
) -> torch.Tensor:
    """Policy gradient of the captions that are drawn; the value is minus the mean CIDEr-D.

    All captions that were drawn of an image for this step are its references, and the tags of the first one guide it.

    Args:
        captioner: what learns.
        tokens: (images, tokens, dim) of the image encoder.
        guided: captions of these images.
        consensus: scores captions as ids.
        samples: captions drawn for each image, at least 2.
    """
    if not len(guided):
        return tokens.sum() * 0.0
    prompt, config = guided.prompt, captioner.config
    images = guided.images.unique()
    own = [(guided.images == image).nonzero()[:, 0] for image in images]
    tags = guided.tags[torch.stack([rows[0] for rows in own])]
    tags = tags[:, : int((tags != config.pad).sum(dim=1).max())]
    guidance = _repeat(captioner.guide_by(captioner.read_image(tokens).rows(images), tags), samples)
    start = guided.captions[:1, :prompt].expand(len(images) * samples, -1)
    with torch.no_grad():
        rules = Rules(config.end, prompt + 1, config.max_length)
        drawn = [one.ids for one in write_samples(captioner.reader(guidance), start, rules, top_p=1.0)]
    rewards = torch.tensor(
        [
            consensus.scores(
                [ids[prompt:] for ids in drawn[i * samples : (i + 1) * samples]],
                [_unpadded(ids[prompt:], config.pad) for ids in guided.captions[rows].tolist()],
            )
            for i, rows in enumerate(own)
        ],
        device=tokens.device,
    )
    others = (rewards.sum(dim=1, keepdim=True) - rewards) / (samples - 1)
    captions = torch.full((len(drawn), max(map(len, drawn))), config.pad, device=tokens.device)
    for row, ids in enumerate(drawn):
        captions[row, : len(ids)] = torch.tensor(ids)
    targets = captions[:, prompt:]
    known = targets != config.pad
    logits = captioner.text_decoder.logits(captioner.states(guidance, captions[:, :-1])[:, prompt - 1 :][known])
    unlikely = F.cross_entropy(logits.float(), targets[known], reduction="none")
    gains = (rewards - others).flatten()[:, None].expand_as(known)[known]
    loss = (unlikely * gains).sum() / known.sum()
    share = (guided.captions[:, prompt:] != config.pad).sum() / guided.predicted
    return share * (loss - loss.detach() - rewards.mean())


def _repeat(guidance: Guidance, times: int) -> Guidance:
    """Each image's guidance several times, one after another."""
    rows = torch.arange(len(guidance.states), device=guidance.states.device).repeat_interleave(times)
    mask = None if guidance.mask is None else guidance.mask[rows]
    return Guidance(guidance.states[rows], mask, [part.rows(rows) for part in guidance.image])


def _unpadded(ids: list[int], pad: int) -> list[int]:
    return [one for one in ids if one != pad]
