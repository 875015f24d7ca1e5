"""Load a tagger: find, fetch or read a model, choose device and dtype, and put the parts together."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from ram.checkpoints.model_folder import load_model
from ram.checkpoints.published import fetch_model
from ram.checkpoints.registry import find_model, is_downloadable
from ram.hub.model_card import ModelReport
from ram.hub.repositories import fetch_repository, is_repository
from ram.models.build import build_text_encoder
from ram.models.fast.compiling import compile_encoder
from ram.runtime import Progress, cache_folder, choose_dtype, find_device, quiet
from ram.tagger import Tagger


def load(
    model: str | Path,
    device: str = "auto",
    dtype: str = "auto",
    progress: Progress = quiet,
    compile: bool = False,
    vocabulary: str | None = None,
) -> Tagger:
    """Load a tagger by name, from a model folder or from the hub.

    A published model is fetched and converted on first use, a repository fetched on first use.

    Args:
        model: a name of :func:`ram.list_models`, a model folder, or a repository of the Hugging Face hub, "owner/name"
            or "owner/name@revision".
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "mps"...
        dtype: "auto" (float16 on a GPU; on a CPU that has it bfloat16 for large models; else float32), "float32",
            "float16" or "bfloat16".
        progress: called with what is being fetched, how many megabytes of it are here, and how many there are.
        compile: let ``torch.compile`` make looks at single images faster; takes half a minute or more.
        vocabulary: name of the tags to score in place of the model's own; see
            :meth:`ram.tagger.Tagger.load_vocabulary`.

    Raises:
        CheckpointError: no such model, it cannot be fetched, or its files are broken.
        InputError: the device, dtype or vocabulary does not exist here, or nothing can be compiled.
        DownloadError: the vocabulary is not here and cannot be fetched.
        TextEncoderError: the vocabulary cannot be embedded.
    """
    chosen_device = find_device(device)
    folder = _folder(str(model), progress)
    config, network, bank = load_model(folder)
    chosen_dtype = choose_dtype(dtype, network, chosen_device)
    network.to(chosen_device, chosen_dtype)  # nobody else has it: the tagger's copy then shares the weights

    text_encoder = partial(build_text_encoder, config.text_encoder, chosen_device, chosen_dtype)
    report = ModelReport.load(folder)
    tagger = Tagger(config, network, bank, text_encoder, chosen_device, chosen_dtype, report)
    if compile:
        side = config.image.size
        pixels = torch.zeros(1, 3, side, side, device=chosen_device, dtype=chosen_dtype)
        compile_encoder(tagger.model.image_encoder, pixels)
    return tagger if vocabulary is None else tagger.with_bank(tagger.load_vocabulary(vocabulary, progress))


def _folder(model: str, progress: Progress) -> Path:
    """The folder of a model, which is fetched where it has to be."""
    if not Path(model).exists():
        if is_downloadable(model):
            return fetch_model(model, cache_folder(), progress)
        if is_repository(model):
            return fetch_repository(model, progress)
    return find_model(model)
