"""Names of official checkpoints: a table in which every name has exactly one rule."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from ram.errors import CheckpointError
from ram.models.captioner_config import CaptionerConfig

BANK = "label_embed"
LEARNED_BANK = ("label_embed.weight", "fc.W", "fc.b")
"""Tag2Text has these instead: the parts of each tag's row, in order."""

DROPPED: Mapping[str, str] = {
    r"visual_encoder\..*\.relative_position_index": "recomputed by timm",
    r"visual_encoder\..*\.attn_mask": "recomputed by timm",
    r"(tag_encoder|text_decoder\.bert)\.embeddings\.position_ids": "0 to 511",
    r"text_decoder\.cls\.predictions\.decoder\.weight": "tied to the word embeddings of the text decoder",
    r"text_decoder\.cls\.predictions\.decoder\.bias": "tied to text_decoder.cls.predictions.bias",
}
"""Official names that no model of ours has a weight for, each with the reason."""

CAPTIONER = re.compile(r"(tag_encoder|text_decoder)\..*")
"""Official names of the captioner, which a configuration without one leaves out."""

_STACK = r"(tag_encoder|text_decoder)(?:\.bert)?"
_LAYER = rf"{_STACK}\.encoder\.layer\.(\d+)"

RENAMED: Mapping[str, str] = {
    r"visual_encoder\.layers\.(\d+)\.downsample\.(.*)": r"image_encoder.backbone.layers.{next}.downsample.\2",
    r"visual_encoder\.(?!layers\.\d+\.downsample|.*\.relative_position_index|.*\.attn_mask)(.*)":
        r"image_encoder.backbone.\1",
    r"image_proj\.(weight|bias)": r"image_encoder.project.\1",
    r"reweight_scale": r"reweighting.log_scale",
    r"wordvec_proj\.(weight|bias)": r"queries.project.\1",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.self\.(query|key|value)\.(.*)":
        r"decoder.blocks.\1.cross_attention.\2.\3",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.output\.dense\.(.*)":
        r"decoder.blocks.\1.cross_attention.output.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.output\.LayerNorm\.(.*)":
        r"decoder.blocks.\1.cross_norm.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.intermediate\.dense\.(.*)": r"decoder.blocks.\1.expand.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.output\.dense\.(.*)": r"decoder.blocks.\1.contract.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.output\.LayerNorm\.(.*)": r"decoder.blocks.\1.mlp_norm.\2",
    r"fc\.(weight|bias)": r"head.\1",
    rf"{_STACK}\.embeddings\.word_embeddings\.(.*)": r"captioner.\1.embeddings.words.\2",
    rf"{_STACK}\.embeddings\.position_embeddings\.(.*)": r"captioner.\1.embeddings.positions.\2",
    rf"{_STACK}\.embeddings\.LayerNorm\.(.*)": r"captioner.\1.embeddings.norm.\2",
    rf"{_LAYER}\.attention\.self\.(query|key|value)\.(.*)": r"captioner.\1.layers.\2.self_attention.\3.\4",
    rf"{_LAYER}\.attention\.output\.dense\.(.*)": r"captioner.\1.layers.\2.self_attention.output.\3",
    rf"{_LAYER}\.attention\.output\.LayerNorm\.(.*)": r"captioner.\1.layers.\2.self_norm.\3",
    rf"{_LAYER}\.crossattention\.self\.(query|key|value)\.(.*)":
        r"captioner.\1.layers.\2.alignment.cross_attention.\3.\4",
    rf"{_LAYER}\.crossattention\.output\.dense\.(.*)": r"captioner.\1.layers.\2.alignment.cross_attention.output.\3",
    rf"{_LAYER}\.crossattention\.output\.LayerNorm\.(.*)": r"captioner.\1.layers.\2.alignment.cross_norm.\3",
    rf"{_LAYER}\.intermediate\.dense\.(.*)": r"captioner.\1.layers.\2.alignment.expand.\3",
    rf"{_LAYER}\.output\.dense\.(.*)": r"captioner.\1.layers.\2.alignment.contract.\3",
    rf"{_LAYER}\.output\.LayerNorm\.(.*)": r"captioner.\1.layers.\2.alignment.mlp_norm.\3",
    r"text_decoder\.cls\.predictions\.transform\.dense\.(.*)": r"captioner.text_decoder.transform.\1",
    r"text_decoder\.cls\.predictions\.transform\.LayerNorm\.(.*)": r"captioner.text_decoder.transform_norm.\1",
    r"text_decoder\.cls\.predictions\.bias": r"captioner.text_decoder.bias",
}
"""Official name to ours; each name matches exactly one pattern of these or of :data:`DROPPED`."""

SCALE = "reweighting.log_scale"
# RAM and Tag2Text tie the tagging head to the first layers of the tag encoder; a file may hold either name of the pair.
_TIED = re.compile(r"tag_encoder(\.encoder\.layer\.(\d+)\.(?:crossattention|intermediate|output)\..*)")


def rename(
    state: Mapping[str, torch.Tensor], layers: int = 2, captioner: CaptionerConfig | None = None
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Rename the weights of an official state dict, and separate the rows of the bank; None where it has none.

    Args:
        state: by official names.
        layers: of the tagging head, whose weights a file may hold under the tag encoder's names.
        captioner: that of the model; None leaves its weights out.

    Raises:
        CheckpointError: a name matches no rule, two names become the same, or the parts of the rows do not fit.
    """
    given = state
    state = {re.sub(r"^vision_multi\.", "tagging_head.", name): tensor for name, tensor in given.items()}
    if len(state) < len(given):
        raise CheckpointError("the weights hold both vision_multi and tagging_head: they are of two files")
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in state.items():
        if name == BANK or name in LEARNED_BANK:
            continue
        untied = _untied(name, layers if captioner is None else captioner.tied_layers)
        if untied != name and untied in state:  # the same weight twice
            continue
        target = _target(untied) if captioner is not None or not CAPTIONER.fullmatch(untied) else None
        if target is None:
            continue
        if target in weights:
            raise CheckpointError(f"official weight {name!r} becomes {target!r}, which another weight fills already")
        weights[target] = tensor
    return weights, _rows(state)


def _rows(state: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
    """(tags * descriptions, dim) text embeddings, or (tags, 2 * hidden + 1) learned queries with their heads."""
    learned = [name for name in LEARNED_BANK if name in state]
    if not learned:
        return state.get(BANK)
    if BANK in state or len(learned) < len(LEARNED_BANK):
        found = ", ".join([name for name in (BANK, *learned) if name in state])
        raise CheckpointError(f"of {BANK} or {', '.join(LEARNED_BANK)} the weights hold {found}: download them again")
    query, weight, bias = (state[name] for name in LEARNED_BANK)
    if query.ndim != 2 or weight.shape != (1, *query.shape) or bias.shape != (1, len(query)):
        shapes = ", ".join(str(tuple(part.shape)) for part in (query, weight, bias))
        raise CheckpointError(f"{', '.join(LEARNED_BANK)} are {shapes}: they are not of one checkpoint")
    return torch.cat([query, weight[0], bias[0, :, None]], dim=1)


def _untied(name: str, layers: int) -> str:
    """The tagging head's name for a weight that is tied to it."""
    tied = _TIED.fullmatch(name)
    return f"tagging_head{tied[1]}" if tied and int(tied[2]) < layers else name


def _target(name: str) -> str | None:
    """Our name of an official weight, or None where it is dropped."""
    if any(re.fullmatch(pattern, name) for pattern in DROPPED):
        return None
    matches = [(m, to) for pattern, to in RENAMED.items() if (m := re.fullmatch(pattern, name))]
    if len(matches) != 1:
        raise CheckpointError(f"official weight {name!r} is unknown: this is not a RAM, RAM++ or Tag2Text checkpoint")
    match, to = matches[0]
    if "{next}" in to:  # timm counts a downsampling to the stage after it
        to = to.format(next=int(match[1]) + 1)
    return match.expand(to)
