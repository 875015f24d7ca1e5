"""The names of the official package over this one: scripts written for it run with one changed import.

    from ram.compat import get_transform, inference_ram, ram_plus      # was: from ram.models import ram_plus, ...
    model = ram_plus(pretrained="ram_plus_swin_large_14m.pth", image_size=384, vit="swin_l").eval().to("cuda")
    image = get_transform(image_size=384)(Image.open("photo.jpg")).unsqueeze(0).to("cuda")
    english, chinese = inference_ram(image, model)

A checkpoint is converted on first use, and the converted folder is kept.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ram.checkpoints.official import convert_official
from ram.checkpoints.published import fetch_lists
from ram.checkpoints.registry import CONFIG, PUBLISHED
from ram.compat.official_model import SEPARATOR, OfficialModel
from ram.errors import InputError
from ram.images.transforms import EvalTransform
from ram.models.config import IMAGENET_MEAN, IMAGENET_STD
from ram.models.text_encoder import ClipTextEncoder
from ram.runtime import cache_folder
from ram.tagger_loading import load

_SIZES = {"swin_l": "large", "swin_b": "base"}


def ram_plus(pretrained: str = "", image_size: int = 384, vit: str = "swin_l", **_: Any) -> OfficialModel:
    """RAM++ from the official checkpoint, a model folder or a name of ``ram models``.

    Raises:
        CheckpointError, DownloadError: the checkpoint or its tag lists cannot be had.
        InputError: there is no such variant.
    """
    return _open(pretrained, "ram-plus-swin", image_size, vit)


def ram(pretrained: str = "", image_size: int = 384, vit: str = "swin_l", **_: Any) -> OfficialModel:
    """RAM; see :func:`ram_plus`."""
    return _open(pretrained, "ram-swin", image_size, vit)


def tag2text(pretrained: str = "", image_size: int = 384, vit: str = "swin_b", **_: Any) -> OfficialModel:
    """Tag2Text; see :func:`ram_plus`."""
    return _open(pretrained, "tag2text-swin", image_size, vit)


def inference_ram(image: torch.Tensor, model: OfficialModel) -> tuple[str, str]:
    """English and Chinese tags of one photo, each joined by " | "."""
    english, chinese = model.generate_tag(image)
    return english[0], chinese[0]


inference_ram_plus = inference_ram


def inference_ram_openset(image: torch.Tensor, model: OfficialModel) -> str:
    """Tags of one photo by the vocabulary that was set, joined by " | "."""
    return model.generate_tag_openset(image)[0]


def inference_tag2text(image: torch.Tensor, model: OfficialModel, input_tag: str = "None") -> tuple[str, str, str]:
    """Tags of one photo, the given tags or "None", and the caption by the given tags or by those found."""
    found = model.generate_tag(image)[0][0]
    given = None if input_tag in ("", "none", "None") else input_tag.replace(",", SEPARATOR)
    caption = model.generate(image, None if given is None else [given])[0]
    return found, "None" if given is None else given, caption


def get_transform(image_size: int = 384) -> Callable[[Image.Image], torch.Tensor]:
    """An RGB image, or one that is converted to it, to (3, size, size) pixels as the official weights expect them."""
    transform = EvalTransform(image_size, IMAGENET_MEAN, IMAGENET_STD)
    return lambda image: transform(image.convert("RGB"))


def build_openset_llm_label_embedding(
    llm_tag_des: Sequence[Mapping[str, Sequence[str]]],
) -> tuple[torch.Tensor, list[str]]:
    """(categories * descriptions, 512) CLIP embeddings of ``[{"corgi": [sentences]}, ...]``, and the categories."""
    described = {tag: list(sentences) for one in llm_tag_des for tag, sentences in one.items()}
    encoder = ClipTextEncoder()
    return torch.cat([encoder.encode(sentences) for sentences in described.values()]), list(described)


def _open(pretrained: str, family: str, image_size: int, vit: str) -> OfficialModel:
    variant = f"{family}-{_SIZES.get(vit, vit)}{'' if image_size == 384 else f'-{image_size}'}"
    if not pretrained:
        return OfficialModel(load(variant))
    if not Path(pretrained).is_file():
        return OfficialModel(load(pretrained))
    if variant not in PUBLISHED:
        raise InputError(f"there is no variant with vit={vit!r} and image_size={image_size}: see `ram models`")
    return OfficialModel(load(_converted(Path(pretrained), variant)))


def _converted(checkpoint: Path, variant: str) -> Path:
    """The model folder of a checkpoint, made once for each path, size and time of change."""
    facts = checkpoint.stat()
    key = f"{variant} {checkpoint.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    folder = cache_folder() / "official" / hashlib.sha256(key.encode()).hexdigest()[:16]
    if not (folder / CONFIG).is_file():
        vocabulary, descriptions = fetch_lists(variant, cache_folder() / "downloads")
        partial_folder = folder.with_suffix(".partial")
        shutil.rmtree(partial_folder, ignore_errors=True)
        convert_official(checkpoint, partial_folder, variant=variant, vocabulary=vocabulary, descriptions=descriptions)
        shutil.rmtree(folder, ignore_errors=True)
        partial_folder.rename(folder)
    return folder
