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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ram.checkpoints.official import convert_official
from ram.checkpoints.published import fetch_lists
from ram.checkpoints.registry import CONFIG, PUBLISHED
from ram.errors import InputError
from ram.images.transforms import EvalTransform
from ram.models.config import IMAGENET_MEAN, IMAGENET_STD
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.text_encoder import ClipTextEncoder
from ram.runtime import cache_folder
from ram.tagger import Tagger
from ram.tagger_loading import load

SEPARATOR = " | "
_SIZES = {"swin_l": "large", "swin_b": "base"}


class OfficialModel(nn.Module):
    """A tagger with the attributes and methods of the official models.

    A script may replace ``label_embed``, ``tag_list``, ``num_class`` and ``class_threshold`` for an open vocabulary.

    Args:
        tagger: RAM, RAM++ or Tag2Text.

    Attributes:
        label_embed: (num_class * descriptions, dim) embeddings that a script has set; None for the predefined tags.
    """

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.tagger, self.network = tagger, tagger.model
        vocabulary = tagger.bank.vocabulary
        self.tag_list = np.array(vocabulary.tags)
        self.tag_list_chinese = np.array(vocabulary.translations or [""] * len(vocabulary))
        self.class_threshold = torch.tensor(vocabulary.thresholds)
        self.num_class = len(vocabulary)
        self.label_embed: torch.Tensor | None = None

    def to(self, *where: Any, **more: Any) -> OfficialModel:
        """Move the tagger to a device, in the dtype that it is in."""
        device = torch.device(more.get("device", where[0] if where else self.tagger.device))
        if device != self.tagger.device:
            old = self.tagger
            encoder = partial(getattr, old, "text_encoder")
            self.tagger = Tagger(old.config, old.model, old.bank, encoder, device, old.dtype, old.report)
            self.network = self.tagger.model
        return self

    def generate_tag(self, image: torch.Tensor, *_: Any, **__: Any) -> tuple[list[str], list[str]]:
        """Tags over their thresholds of (batch, 3, size, size) pixels, and their Chinese names, joined by " | "."""
        found = self._present(image)
        return tuple(  # type: ignore[return-value]
            [SEPARATOR.join(names[row].tolist()) for row in found] for names in (self.tag_list, self.tag_list_chinese)
        )

    def generate_tag_openset(self, image: torch.Tensor, *_: Any, **__: Any) -> list[str]:
        """Tags over their thresholds of the vocabulary that a script has set."""
        return [SEPARATOR.join(self.tag_list[row].tolist()) for row in self._present(image)]

    def generate(self, image: torch.Tensor, tag_input: Sequence[str] | None = None, **settings: Any) -> list[str]:
        """A caption of each image, by the given tags or those that are found (Tag2Text)."""
        features = self.tagger.look_at_pixels(image)
        beams = settings.get("num_beams", 3)
        rows = [features.rows(slice(i, i + 1)) for i in range(len(image))]
        given: list[list[str] | None] = [None] * len(rows)
        if tag_input is not None:
            given = [[tag.strip() for tag in text.split("|") if tag.strip()] for text in tag_input]
        return [
            self.tagger.caption_features([row], tags, beams)[0].text for row, tags in zip(rows, given, strict=True)
        ]

    @torch.inference_mode()
    def _present(self, image: torch.Tensor) -> list[np.ndarray]:
        features, bank = self.tagger.look_at_pixels(image), self.tagger.bank
        if self.label_embed is None:
            logits = self.tagger.score_batch(features, bank).logits
        else:
            rows = self.label_embed.detach().to(self.tagger.device, self.tagger.dtype)
            if len(rows) % self.num_class:
                raise InputError(f"label_embed has {len(rows)} rows, which {self.num_class} classes do not divide")
            embedded = DescriptionEmbeddings(rows.unflatten(0, (self.num_class, -1)))
            logits = self.tagger.score_batch(features, embedded).logits
        present = logits.float().sigmoid().cpu() > self.class_threshold.detach().cpu()
        return list(present.numpy())


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
