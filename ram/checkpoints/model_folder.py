"""Names and folders to loaded models: what is shipped, how a model folder is written, and strictly read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ram.checkpoints.download import CHECKPOINTS
from ram.checkpoints.migration import migrate_config
from ram.errors import CheckpointError
from ram.models.build import build_model, build_without_weights, restore_buffers
from ram.models.config import VARIANTS, ModelConfig
from ram.models.ram import TaggingModel
from ram.runtime import cache_folder
from ram.text.bank import TagEmbeddingBank

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True)
class ModelEntry:
    """A line of ``ram models``: where a model comes from and what it is."""

    name: str
    source: str
    summary: str


def list_models() -> list[str]:
    """Names: shipped models first, then published variants that ``ram convert`` reads."""
    return [entry.name for entry in model_entries()]


def model_entries() -> list[ModelEntry]:
    """The same as :func:`list_models`, with where each comes from and what it is."""
    folders = _shipped_folders().values()
    shipped = [ModelEntry(folder.name, "shipped", _summary(_read_config(folder))) for folder in folders]
    converted = [
        ModelEntry(
            c.name, "fetched on first use" if c.name in CHECKPOINTS else "official file, ram convert", _summary(c)
        )
        for c in VARIANTS.values()
    ]
    return shipped + converted


def find_model(name: str | Path) -> Path:
    """The folder of a shipped model, of a published one that was fetched, or of a path that is a model folder.

    Raises:
        CheckpointError: neither; the message says which names there are.
    """
    shipped = _shipped_folders()
    if str(name) in shipped:
        return shipped[str(name)]
    if (Path(name) / _CONFIG).is_file():
        return Path(name)
    kept = cache_folder() / "models" / str(name)
    if str(name) in CHECKPOINTS and (kept / _CONFIG).is_file():
        return kept
    if str(name) in VARIANTS:
        raise CheckpointError(
            f"{name!r} is not here: "
            + ("load it once by `ram tag --model`, which fetches it; or " if str(name) in CHECKPOINTS else "")
            + "get the official checkpoint, run "
            f"`ram convert FILE.pth FOLDER --variant {name}` and load the folder; "
            f"{' and '.join(shipped)} need nothing"
        )
    raise CheckpointError(
        f"there is no model or model folder {str(name)!r}: choose {', '.join(shipped)} or give a folder "
        f"that holds {_CONFIG}"
    )


def save_model(
    folder: str | Path, config: ModelConfig, model: TaggingModel, bank: TagEmbeddingBank, half: bool = False
) -> None:
    """Write a model folder: config.json, model.safetensors, and the bank's three files.

    With ``half``, matrices and convolutions are stored in 16 bit; biases, norms and statistics stay as they are.
    """
    state = {
        name: (tensor.half() if half and tensor.ndim >= 2 else tensor).contiguous().cpu()
        for name, tensor in model.state_dict().items()
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    bank.save(Path(folder))
    save_weights(folder, config, state)


def save_weights(folder: str | Path, config: ModelConfig, weights: Mapping[str, torch.Tensor]) -> None:
    """Complete a folder that holds a bank: weights by our names, stored as they are, and the configuration."""
    folder = Path(folder)
    partial = folder / f"{_WEIGHTS}.partial"
    save_file(dict(weights), partial, metadata={"format": "pt", "model": config.name})
    partial.replace(folder / _WEIGHTS)
    # last, so that a folder with a config is a whole folder
    (folder / _CONFIG).write_text(json.dumps(config.to_dict(), indent=1) + "\n", encoding="utf-8")


def load_model(folder: str | Path) -> tuple[ModelConfig, TaggingModel, TagEmbeddingBank]:
    """Read a model folder; the model is in fp32 on the CPU, in evaluation mode.

    Raises:
        CheckpointError: a file is missing or broken, or weights and configuration do not fit exactly.
    """
    folder = Path(folder)
    config = _read_config(folder)
    try:
        weights = _read_tensors(folder / _WEIGHTS)
    except FileNotFoundError:
        raise _lacks(folder, _WEIGHTS) from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{_WEIGHTS} of {folder.name!r} cannot be read ({error}): copy or convert it again"
        ) from None
    try:
        model = build_without_weights(config)
        bank = TagEmbeddingBank.load(folder, config.text_encoder)
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    target = model.state_dict()
    check_fits(target, weights, folder.name)
    model.load_state_dict({name: tensor.to(target[name].dtype) for name, tensor in weights.items()}, assign=True)
    if not restore_buffers(model):
        model = build_model(config)
        load_strictly(model, weights, folder.name)
    width = bank.embedded.embeddings.shape[2]
    if width != config.dim:
        raise CheckpointError(
            f"the bank of {folder.name!r} is {width} wide but {_CONFIG} says {config.dim}: convert it again"
        )
    return config, model, bank


def load_strictly(model: TaggingModel, weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Fill every parameter and buffer exactly once, cast to the model's dtype.

    Raises:
        CheckpointError: names the first missing, left-over or ill-shaped weight.
    """
    target = model.state_dict()
    check_fits(target, weights, where)
    for name, tensor in weights.items():
        target[name].copy_(tensor)


def check_fits(target: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor], where: str) -> None:
    """Do the weights have exactly the names and shapes of a model's?

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


PIECE_BYTES = 2**25
"""Of a weight file that is mapped at once: pages that stay mapped would count as memory twice over."""


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Copied out of the mapped file, which is mapped anew after every piece."""
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


def _read_config(folder: Path) -> ModelConfig:
    try:
        return ModelConfig.from_dict(migrate_config(json.loads((folder / _CONFIG).read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise _lacks(folder, _CONFIG) from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{_CONFIG} of {folder.name!r} cannot be read: {error}") from None


def _lacks(folder: Path, file: str) -> CheckpointError:
    return CheckpointError(f"model folder {folder.name!r} lacks {file}: copy or convert it again")


def _shipped_folders() -> dict[str, Path]:
    root = Path(str(resources.files("ram"))) / "pretrained"
    return {f.parent.name: f.parent for f in sorted(root.glob(f"*/{_CONFIG}"), reverse=True)}


def _summary(config: ModelConfig) -> str:
    text = "tags without texts" if config.learned else f"text by {config.text_encoder}"
    return f"{config.kind}, {config.image.backbone} at {config.image.size} px, {text}"
