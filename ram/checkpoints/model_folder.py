"""Model folders: how they are written, and strictly read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ram.checkpoints.registry import CONFIG, lacks, read_config
from ram.errors import CheckpointError
from ram.models.build import build_model, build_without_weights, restore_buffers
from ram.models.captioner_config import CaptionerConfig
from ram.models.config import ModelConfig
from ram.models.ram import TaggingModel
from ram.runtime import atomic_write
from ram.text.bank import TagEmbeddingBank
from ram.text.files import write_json
from ram.text.wordpiece import SPECIAL, WordPiece

WEIGHTS = "model.safetensors"
WORDS = "captioner_vocabulary.txt"

PIECE_BYTES = 2**25
"""Bytes of a weight file that are mapped at once: pages that stay mapped would count as memory twice over."""


class LoadedModel(NamedTuple):
    """The content of a model folder.

    Args:
        config: describes the model.
        model: its network in float32 on the CPU, in evaluation mode.
        bank: predefined tags, in the dtype they are stored in.
    """

    config: ModelConfig
    model: TaggingModel
    bank: TagEmbeddingBank


def save_model(
    folder: str | Path, config: ModelConfig, model: TaggingModel, bank: TagEmbeddingBank, half: bool = False
) -> None:
    """Write a model folder: config.json, model.safetensors, the bank's three files, and a captioner's vocabulary.

    With ``half``, matrices and convolutions are stored in 16 bit; biases, norms and statistics stay as they are.
    """
    state = {
        name: (tensor.half() if half and tensor.ndim >= 2 else tensor).contiguous().cpu()
        for name, tensor in model.state_dict().items()
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    bank.save(Path(folder))
    if model.captioner is not None:
        assert model.captioner.words is not None, "a captioner is saved with its vocabulary"
        save_words(folder, model.captioner.config, model.captioner.words)
    save_weights(folder, config, state)


def save_words(folder: str | Path, captioner: CaptionerConfig, words: WordPiece) -> None:
    """Write a captioner's vocabulary into a model folder.

    Raises:
        CheckpointError: it does not fit the captioner.
    """
    _check_words(captioner, words, str(folder))
    words.save(Path(folder) / WORDS)


def save_weights(folder: str | Path, config: ModelConfig, weights: Mapping[str, torch.Tensor]) -> None:
    """Complete a folder that holds a bank: weights by our names, stored as they are, and the configuration."""
    folder = Path(folder)
    with atomic_write(folder / WEIGHTS) as temporary:
        save_file(dict(weights), temporary, metadata={"format": "pt", "model": config.name})
    write_json(folder / CONFIG, config.to_dict(), indent=1)  # last, so that a folder with a config is a whole folder


def load_model(folder: str | Path) -> LoadedModel:
    """Read a model folder.

    Raises:
        CheckpointError: a file is missing or broken, or weights and configuration do not fit exactly.
    """
    folder = Path(folder)
    config = read_config(folder)
    try:
        weights = _read_tensors(folder / WEIGHTS)
    except FileNotFoundError:
        raise lacks(folder, WEIGHTS) from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{WEIGHTS} of {folder.name!r} cannot be read ({error}): copy or convert it again"
        ) from None
    try:
        model = assemble(config, _described(weights), folder.name)
        bank = TagEmbeddingBank.load(folder, config.text_encoder)
        if model.captioner is not None:
            model.captioner.words = _read_words(folder, model.captioner.config)
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    width = bank.embedded.embeddings.shape[2]
    if width != config.dim:
        raise CheckpointError(
            f"the bank of {folder.name!r} is {width} wide but {CONFIG} says {config.dim}: convert it again"
        )
    return LoadedModel(config, model, bank)


def _described(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Add the texts of classes that an older folder lacks: it described them by fewer."""
    words = "image_encoder.words."
    if f"{words}words" not in weights:
        return weights
    described = weights.get(f"{words}described")
    described = weights[f"{words}words"].clone() if described is None else described
    return {f"{words}glosses": described.clone(), **weights, f"{words}described": described}


def assemble(config: ModelConfig, weights: Mapping[str, torch.Tensor], where: str) -> TaggingModel:
    """Build a model around weights, without a second copy of them where they are in its dtype.

    Raises:
        CheckpointError: weights and configuration do not fit exactly.
        InputError: the backbone is unknown.
    """
    model = build_without_weights(config)
    target = model.state_dict()
    check_fits(target, weights, where)
    model.load_state_dict({name: tensor.to(target[name].dtype) for name, tensor in weights.items()}, assign=True)
    if not restore_buffers(model):
        model = build_model(config)
        load_strictly(model, weights, where)
    return model


def load_strictly(model: nn.Module, weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Fill every parameter and buffer exactly once, cast to the model's dtype.

    Raises:
        CheckpointError: names the first missing, left-over or ill-shaped weight.
    """
    target = model.state_dict()
    check_fits(target, weights, where)
    for name, tensor in weights.items():
        target[name].copy_(tensor)


def check_fits(target: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Check that weights have exactly the names and shapes of a model's.

    Raises:
        CheckpointError: names the first missing, left-over or ill-shaped weight.
    """
    if missing := sorted(set(target) - set(weights)):
        raise CheckpointError(
            f"weights of {where!r} lack {len(missing)} entries, first {missing[0]!r}: they are not of this variant"
        )
    if extra := sorted(set(weights) - set(target)):
        raise CheckpointError(
            f"weights of {where!r} hold {len(extra)} entries too many, first {extra[0]!r}: they are not of this variant"
        )
    for name, tensor in weights.items():
        if tensor.shape != target[name].shape:
            raise CheckpointError(
                f"weight {name!r} of {where!r} is {tuple(tensor.shape)} but the configuration asks for "
                f"{tuple(target[name].shape)}: they are not of this variant"
            )


def _read_words(folder: Path, captioner: CaptionerConfig) -> WordPiece:
    try:
        words = WordPiece.load(folder / WORDS)
    except FileNotFoundError:
        raise lacks(folder, WORDS) from None
    _check_words(captioner, words, folder.name)
    return words


def _check_words(captioner: CaptionerConfig, words: WordPiece, where: str) -> None:
    if len(words) != captioner.vocabulary:
        raise CheckpointError(
            f"{WORDS} of {where!r} has {len(words)} pieces but {CONFIG} says {captioner.vocabulary}: copy it again"
        )
    for token in (captioner.begin, captioner.tags, captioner.end, captioner.pad):
        if words.pieces[token] not in SPECIAL:
            raise CheckpointError(
                f"{WORDS} of {where!r} has {words.pieces[token]!r} in line {token + 1}, where {CONFIG} has one of "
                f"{', '.join(SPECIAL)}: copy it again"
            )


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Copy tensors out of the mapped file, which is mapped anew after every :data:`PIECE_BYTES`."""
    with safe_open(path, "pt") as file:
        names = list(file.keys())
    tensors: dict[str, torch.Tensor] = {}
    while len(tensors) < len(names):
        read = 0
        with safe_open(path, "pt") as file:
            for name in names[len(tensors) :]:
                tensors[name] = file.get_tensor(name).clone()
                read += tensors[name].nbytes
                if read >= PIECE_BYTES:
                    break
    return tensors
