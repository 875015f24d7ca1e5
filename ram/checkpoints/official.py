"""Convert official checkpoints to model folders."""

from __future__ import annotations

import logging
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

from ram.checkpoints.model_folder import check_fits, save_weights, save_words
from ram.checkpoints.official_names import BANK, SCALE, rename
from ram.checkpoints.registry import PUBLISHED
from ram.checkpoints.window_tables import resize_window_table
from ram.errors import CheckpointError, InputError
from ram.models.build import build_without_weights
from ram.models.config import ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.reweighting import DescriptionReweighting
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from ram.text.wordpiece import official_wordpiece

_log = logging.getLogger(__name__)

_TABLE = "relative_position_bias_table"


def convert_official(
    source: str | Path | Mapping[str, torch.Tensor],
    folder: str | Path,
    *,
    variant: str | None = None,
    config: ModelConfig | None = None,
    vocabulary: TagVocabulary | None = None,
    descriptions: TagDescriptions | None = None,
) -> Path:
    """Turn an official RAM, RAM++ or Tag2Text checkpoint into a model folder.

    A file is mapped and written piece by piece, which takes about as much memory as the weights.

    Args:
        source: the official ``.pth`` file, or its state dict.
        folder: the model folder to write.
        variant: a name of :data:`ram.checkpoints.registry.PUBLISHED`, whose text embeddings are stored in 16 bit; or
        config: any sizes; the bank is stored in 16 bit where that loses nothing.
        vocabulary: names and thresholds of the tags in bank order; numbered names where None.
        descriptions: sentences of each tag in bank order; numbered sentences where None.

    Returns:
        The folder, ready for :func:`ram.load`.

    Raises:
        CheckpointError: the file cannot be read, or a weight is unknown, missing, broken or of another shape.
    """
    chosen = _chosen(variant, config)
    where = Path(source).name if isinstance(source, (str, Path)) else "state dict"
    checked, rows = _read(source, chosen, where)
    for name, tensor in {BANK: rows, **checked}.items():
        _check_finite(name, tensor, where)
    del checked, rows, tensor  # pages that were read stay in memory as long as the file is mapped: map it anew
    weights, label_embed = _read(source, chosen, where)
    bank = _bank(label_embed, chosen, vocabulary, descriptions, where, variant is None or chosen.learned)
    Path(folder).mkdir(parents=True, exist_ok=True)
    bank.save(Path(folder))
    del bank
    if chosen.captioner is not None:
        save_words(folder, chosen.captioner, official_wordpiece())
    save_weights(folder, chosen, {name: tensor.detach().contiguous() for name, tensor in weights.items()})
    return Path(folder)


def _read(
    source: str | Path | Mapping[str, torch.Tensor], config: ModelConfig, where: str
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Read the weights under our names, in the model's shapes, and the label embeddings."""
    state = read_state_dict(source) if isinstance(source, (str, Path)) else source
    weights, label_embed = rename(state, config.decoder.layers, config.captioner)
    if label_embed is None:
        raise CheckpointError(f"{where} has no {BANK!r}: it is not a RAM, RAM++ or Tag2Text checkpoint")
    kind = "Tag2Text" if BANK not in state else "RAM++" if SCALE in weights else "RAM"
    if kind != config.kind:
        raise CheckpointError(f"{where} is {kind} but {config.name} is {config.kind}: choose its variant")
    target = build_without_weights(config).state_dict()
    weights = fit_windows({SCALE: DescriptionReweighting().log_scale.detach(), **weights}, target)
    check_fits(target, weights, where)
    return weights, label_embed


def read_state_dict(path: str | Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a ``.pth`` file without running any code in it.

    Raises:
        CheckpointError: the file is missing, cut short, not a checkpoint, or holds more than tensors.
    """
    path = Path(path)
    try:
        mapped = zipfile.is_zipfile(path)  # the form of torch before 1.6 has to be read as a whole
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path.name!r}: give the downloaded checkpoint") from None
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path.name} is no checkpoint or holds more than tensors: it was not read, as it could run code"
        ) from None
    except Exception as error:  # a damaged file stops the reader anywhere, with nearly any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path.name} cannot be read as a checkpoint ({reason}): download it again") from None
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in state.items()
    ):
        raise CheckpointError(f"{path.name} holds no state dict: give an official checkpoint")
    return state


def _chosen(variant: str | None, config: ModelConfig | None) -> ModelConfig:
    if (variant is None) == (config is None):
        raise ValueError("give either a variant or a config")
    if config is not None:
        return config
    if variant is None or variant not in PUBLISHED:
        raise InputError(f"variant {variant!r} is unknown: choose one of {', '.join(PUBLISHED)}")
    return PUBLISHED[variant].config


def fit_windows(weights: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Interpolate window tables of the weights to the window of a model's state dict."""
    fitted = dict(weights)
    resized = []
    for name, wanted in target.items():
        if name.endswith(_TABLE) and name in fitted and fitted[name].shape != wanted.shape:
            resized.append((len(fitted[name]), len(wanted)))
            fitted[name] = resize_window_table(fitted[name], len(wanted))
    if resized:
        _log.info("%d window tables are interpolated, first from %d to %d rows", len(resized), *resized[0])
    return fitted


def _check_finite(name: str, tensor: torch.Tensor, where: str) -> None:
    low, high = torch.aminmax(tensor.detach())  # NaN is both
    if not (low.isfinite() and high.isfinite()):
        raise CheckpointError(
            f"{name!r} of {where} holds NaN or infinite values: the file is damaged or its training "
            "diverged; download it again, or take an earlier checkpoint"
        )


def _bank(
    label_embed: torch.Tensor,
    config: ModelConfig,
    vocabulary: TagVocabulary | None,
    descriptions: TagDescriptions | None,
    where: str,
    exact: bool,
) -> TagEmbeddingBank:
    if label_embed.ndim != 2 or label_embed.shape[1] != config.dim:
        raise CheckpointError(
            f"{BANK} of {where} is {tuple(label_embed.shape)} but {config.name} needs rows of {config.dim}"
        )
    if not any(label_embed.detach().aminmax()):
        raise CheckpointError(
            f"{BANK} of {where} is all zeros: it was saved before they were filled in; download the official file"
        )
    rows, dim = label_embed.shape
    if vocabulary is None:
        tags = rows // _descriptions_per_tag(rows, config) if descriptions is None else len(descriptions)
        names = descriptions.tags if descriptions is not None else tuple(f"tag {i}" for i in range(tags))
        vocabulary = TagVocabulary.of(names)
    if not len(vocabulary) or rows % len(vocabulary):
        raise CheckpointError(
            f"{BANK} of {where} has {rows} rows, no multiple of the {len(vocabulary)} tags given: "
            "the tag list belongs to another checkpoint; give its own (--tags), or number the tags (--offline)"
        )
    each = rows // len(vocabulary)
    if descriptions is not None and (given := sum(map(len, descriptions.values()))) != rows:
        raise CheckpointError(
            f"{BANK} of {where} has {rows} rows but {given} descriptions are given: they belong to another checkpoint; "
            "give its own (--tags, --descriptions), or number the tags (--offline)"
        )
    if descriptions is None:
        descriptions = TagDescriptions(
            {
                tag: tuple(f"{tag}, description {i + 1}" for i in range(each)) if each > 1 else (tag,)
                for tag in vocabulary.tags
            }
        )
    embeddings = label_embed.detach().reshape(len(vocabulary), each, dim)
    half = embeddings.half()
    if not exact or torch.equal(half.to(embeddings.dtype), embeddings):
        embeddings = half
    return TagEmbeddingBank(vocabulary, descriptions, DescriptionEmbeddings(embeddings), config.text_encoder)


def _descriptions_per_tag(rows: int, config: ModelConfig) -> int:
    """51 in RAM++ (the paper's 5 prompts x 10 answers and a template), 1 in RAM."""
    return config.max_descriptions or (51 if rows % 51 == 0 else 1)
