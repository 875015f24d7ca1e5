"""Official checkpoints to model folders: a table of names, applied so that nothing is lost or filled twice."""

from __future__ import annotations

import logging
import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F

from ram.build import build_model
from ram.checkpoints import CheckpointError, load_strictly, save_model
from ram.config import VARIANTS, ModelConfig
from ram.descriptions import TagDescriptions
from ram.embeddings import TagEmbeddingBank
from ram.models.queries import DescriptionEmbeddings
from ram.models.tagging import TaggingModel
from ram.vocabulary import TagVocabulary

_log = logging.getLogger(__name__)

BANK = "label_embed"

DROPPED: Mapping[str, str] = {
    r"visual_encoder\..*\.relative_position_index": "recomputed by timm",
    r"visual_encoder\..*\.attn_mask": "recomputed by timm",
    r"(tag_encoder|text_decoder)\..*": "captioning is not served",
}
"""Official names that have no place in a tagging model, each with the reason."""

RENAMED: Mapping[str, str] = {
    r"visual_encoder\.layers\.(\d+)\.downsample\.(.*)": r"image_encoder.backbone.layers.{next}.downsample.\2",
    r"visual_encoder\.(?!layers\.\d+\.downsample)(.*)": r"image_encoder.backbone.\1",
    r"image_proj\.(weight|bias)": r"image_encoder.project.\1",
    r"reweight_scale": r"reweighting.log_scale",
    r"wordvec_proj\.(weight|bias)": r"queries.project.\1",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.self\.(query|key|value)\.(.*)":
        r"decoder.blocks.\1.cross_attention.\2.\3",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.output\.dense\.(.*)":
        r"decoder.blocks.\1.cross_attention.output.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.crossattention\.output\.LayerNorm\.(.*)": r"decoder.blocks.\1.cross_norm.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.intermediate\.dense\.(.*)": r"decoder.blocks.\1.expand.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.output\.dense\.(.*)": r"decoder.blocks.\1.contract.\2",
    r"tagging_head\.encoder\.layer\.(\d+)\.output\.LayerNorm\.(.*)": r"decoder.blocks.\1.mlp_norm.\2",
    r"fc\.(weight|bias)": r"head.\1",
}
"""Official name to ours; exactly one pattern matches each name that is kept."""

# RAM ties the tagging head to the first layers of the tag encoder; a file may hold either name of the pair.
_TIED = re.compile(r"tag_encoder(\.encoder\.layer\.(\d+)\.(?:crossattention|intermediate|output)\..*)")


def convert_official(
    source: str | Path | Mapping[str, torch.Tensor],
    folder: str | Path,
    *,
    variant: str | None = None,
    config: ModelConfig | None = None,
    vocabulary: TagVocabulary | None = None,
    descriptions: TagDescriptions | None = None,
) -> Path:
    """Turn an official RAM or RAM++ checkpoint into a model folder.

    Args:
        source: the official ``.pth`` file, or its state dict.
        folder: the model folder to write.
        variant: a published variant, such as "ram-plus-swin-large"; or
        config: any sizes.
        vocabulary: names and thresholds of the tags in bank order; numbered names where None.
        descriptions: sentences of each tag in bank order; numbered sentences where None.

    Returns:
        The folder, ready for :func:`ram.load`.

    Raises:
        CheckpointError: the file cannot be read, or a weight is unknown, missing, or of another shape.
    """
    config = _chosen(variant, config)
    state = read_state_dict(source) if isinstance(source, (str, Path)) else source
    where = Path(source).name if isinstance(source, (str, Path)) else "state dict"
    weights, label_embed = rename(state, config.decoder.layers)
    if label_embed is None:
        raise CheckpointError(f"{where} has no {BANK!r}: it is not a RAM or RAM++ checkpoint")
    model = build_model(config)
    load_strictly(model, _fitted(weights, model, where), where)
    save_model(folder, config, model, _bank(label_embed, config, vocabulary, descriptions, where))
    return Path(folder)


def rename(
    state: Mapping[str, torch.Tensor], layers: int = 2
) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
    """Official state dict to our names, and the label embeddings apart.

    Raises:
        CheckpointError: a name matches no rule, or two names claim one place.
    """
    state = {name.replace("vision_multi.", "tagging_head.", 1): tensor for name, tensor in state.items()}
    weights: dict[str, torch.Tensor] = {}
    label_embed = None
    for name, tensor in state.items():
        if name == BANK:
            label_embed = tensor
            continue
        target = _target(_untied(name, state, layers))
        if target is None:
            continue
        if target in weights:
            raise CheckpointError(f"official weight {name!r} claims {target!r}, which is filled already")
        weights[target] = tensor
    return weights, label_embed


def read_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a ``.pth`` file, read without running any code it may hold.

    Raises:
        CheckpointError: the file is missing, cut short, not a checkpoint, or holds more than tensors.
    """
    path = Path(path)
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path.name!r}: give the path of the downloaded checkpoint") from None
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path.name} holds more than tensors, or is not a checkpoint: it was not loaded, since that could run code"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} cannot be read as a checkpoint ({str(error).splitlines()[0]}): download it again"
        ) from None
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise CheckpointError(f"{path.name} holds no state dict: give an official checkpoint")
    return state


def _chosen(variant: str | None, config: ModelConfig | None) -> ModelConfig:
    if (variant is None) == (config is None):
        raise ValueError("give either a variant or a config")
    if config is not None:
        return config
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant!r} is unknown: choose one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]


def _untied(name: str, state: Mapping[str, torch.Tensor], layers: int) -> str:
    """The tagging head's name for a weight that the file holds only under the tag encoder's."""
    tied = _TIED.fullmatch(name)
    if tied and int(tied[2]) < layers and f"tagging_head{tied[1]}" not in state:
        return f"tagging_head{tied[1]}"
    return name


def _target(name: str) -> str | None:
    """Our name, or None for what is dropped."""
    if any(re.fullmatch(pattern, name) for pattern in DROPPED):
        return None
    matches = [(m, to) for pattern, to in RENAMED.items() if (m := re.fullmatch(pattern, name))]
    if len(matches) != 1:
        raise CheckpointError(f"official weight {name!r} is unknown: this is not a RAM or RAM++ checkpoint")
    match, to = matches[0]
    if "{next}" in to:  # timm counts a downsampling to the stage after it
        to = to.format(next=int(match[1]) + 1)
    return match.expand(to)


def _fitted(weights: dict[str, torch.Tensor], model: TaggingModel, where: str) -> dict[str, torch.Tensor]:
    """Window tables brought to the model's window; the re-weighting scale added where RAM has none."""
    fitted = dict(weights)
    if "reweighting.log_scale" not in fitted:
        _log.info("%s has no reweight_scale (a RAM checkpoint): with one description a tag it has no effect", where)
        fitted["reweighting.log_scale"] = model.reweighting.log_scale.detach()
    for name, target in model.state_dict().items():
        table = fitted.get(name)
        if name.endswith("relative_position_bias_table") and table is not None and table.shape != target.shape:
            fitted[name] = resize_window_table(table, target.shape[0])
    return fitted


def resize_window_table(table: torch.Tensor, length: int) -> torch.Tensor:
    """Bicubic interpolation of a Swin relative position bias table to another window.

    Args:
        table: ((2w - 1)^2, heads) for a window of w patches.
        length: (2v - 1)^2 for the new window v.

    Returns:
        (length, heads).
    """
    old, new = math.isqrt(table.shape[0]), math.isqrt(length)
    square = table.float().T.reshape(1, -1, old, old)
    resized = F.interpolate(square, size=(new, new), mode="bicubic", align_corners=False)
    return resized.reshape(table.shape[1], length).T.to(table.dtype)


def _bank(
    label_embed: torch.Tensor,
    config: ModelConfig,
    vocabulary: TagVocabulary | None,
    descriptions: TagDescriptions | None,
    where: str,
) -> TagEmbeddingBank:
    rows, dim = label_embed.shape
    if dim != config.dim:
        raise CheckpointError(f"{BANK} of {where} is {dim} wide but {config.name} needs {config.dim}")
    if not bool(label_embed.any()):
        raise CheckpointError(f"{BANK} of {where} is all zeros: the file was saved before its embeddings were filled")
    if vocabulary is None:
        tags = len(descriptions.tags) if descriptions is not None else rows // _descriptions_per_tag(rows, config)
        names = descriptions.tags if descriptions is not None else tuple(f"tag {i}" for i in range(tags))
        vocabulary = TagVocabulary.of(names)
    if not len(vocabulary) or rows % len(vocabulary):
        raise CheckpointError(
            f"{BANK} of {where} has {rows} rows, no multiple of the {len(vocabulary)} tags given: "
            "the tag list belongs to another checkpoint"
        )
    each = rows // len(vocabulary)
    if descriptions is None:
        descriptions = TagDescriptions(
            {tag: tuple(f"{tag}, description {i + 1}" for i in range(each)) for tag in vocabulary.tags}
        )
    embeddings = label_embed.detach().reshape(len(vocabulary), each, dim)
    half = embeddings.half()
    if torch.equal(half.to(embeddings.dtype), embeddings):  # 16 bit where that loses nothing
        embeddings = half
    return TagEmbeddingBank(vocabulary, descriptions, DescriptionEmbeddings(embeddings), config.text_encoder)


def _descriptions_per_tag(rows: int, config: ModelConfig) -> int:
    """51 in RAM++ (the paper's 5 prompts x 10 answers and a template), 1 in RAM."""
    return config.max_descriptions or (51 if rows % 51 == 0 else 1)
