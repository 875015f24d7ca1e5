"""Names and shapes of official checkpoints, spelt from a configuration: the tests need no published file."""

import torch

from ram.checkpoints.official_names import BANK, LEARNED_BANK
from ram.models.build import build_without_weights


def official_name(ours):
    """The official name of one of our weights, by its own rules: the converter's table read backwards would prove
    nothing."""
    part = ours.split(".")
    if part[0] == "image_encoder" and part[1] == "backbone":
        if part[2] == "layers" and part[4] == "downsample":  # timm counts it to the stage after it
            part[3] = str(int(part[3]) - 1)
        return ".".join(["visual_encoder", *part[2:]])
    if part[0] == "decoder":
        place = {
            "cross_attention": "crossattention.output.dense" if part[4] == "output" else "crossattention.self",
            "cross_norm": "crossattention.output.LayerNorm",
            "expand": "intermediate.dense",
            "contract": "output.dense",
            "mlp_norm": "output.LayerNorm",
        }[part[3]]
        kept = part[4:] if place.endswith("self") else part[-1:]
        return ".".join(["tagging_head.encoder.layer", part[2], place, *kept])
    if part[0] == "captioner":
        return captioner_name(part[1:])
    fixed = {"image_encoder.project": "image_proj", "queries.project": "wordvec_proj", "head": "fc"}
    stem, _, leaf = ours.rpartition(".")
    return "reweight_scale" if ours == "reweighting.log_scale" else f"{fixed[stem]}.{leaf}"


def captioner_name(part):
    """The official name of a captioner's weight, from the parts of ours."""
    stack = "text_decoder.bert" if part[0] == "text_decoder" else "tag_encoder"
    if part[1] == "embeddings":
        inner = {"words": "word_embeddings", "positions": "position_embeddings", "norm": "LayerNorm"}[part[2]]
        return ".".join([stack, "embeddings", inner, part[3]])
    if part[1] != "layers":
        inner = {"bias": "bias", "transform": "transform.dense", "transform_norm": "transform.LayerNorm"}[part[1]]
        return ".".join(["text_decoder.cls.predictions", inner, *part[2:]])
    *inner, leaf = part[3:]
    place = {
        "self_attention.output": "attention.output.dense",
        "self_norm": "attention.output.LayerNorm",
        "alignment.cross_attention.output": "crossattention.output.dense",
        "alignment.cross_norm": "crossattention.output.LayerNorm",
        "alignment.expand": "intermediate.dense",
        "alignment.contract": "output.dense",
        "alignment.mlp_norm": "output.LayerNorm",
    }.get(".".join(inner))
    if place is None:  # a query, key or value
        place = f"{'attention' if inner[0] == 'self_attention' else 'crossattention'}.self.{inner[-1]}"
    return ".".join([stack, "encoder.layer", part[2], place, leaf])


def official_shapes(config, tags, descriptions=51):
    """Official name to shape of all that a RAM++ or Tag2Text of this configuration keeps, its bank included."""
    shapes = {official_name(n): tuple(t.shape) for n, t in build_without_weights(config).state_dict().items()}
    if config.learned:
        del shapes["reweight_scale"]
        hidden = config.decoder.hidden
        return shapes | dict(zip(LEARNED_BANK, [(tags, hidden), (1, tags, hidden), (1, tags)], strict=True))
    return shapes | {BANK: (tags * descriptions, config.dim)}


def official_state(config, tags, descriptions=51):
    """Official state dict with random weights."""
    return {name: torch.randn(shape) for name, shape in official_shapes(config, tags, descriptions).items()}
