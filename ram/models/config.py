"""What a model is made of, as plain values: variants differ in fields here, never in branches of code."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEARNED = "learned"
"""In place of a text encoder: every tag has a query and a head that were learnt for it, and no text (Tag2Text)."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageConfig:
    """The image encoder and how it wants its pictures.

    Args:
        backbone: name of a timm model.
        size: side of the square input, in pixels.
        train_size: the same in training, where it differs; 0 where not. Random crops show things larger than whole
            pictures do, so that a network sees more if it is given larger pictures afterwards (Touvron et al. 2019).
        mean, std: statistics of the training pictures, per channel, for values in 0..1; they belong to the
            weights.
        interpolation: how pictures are resized, "bilinear" or "bicubic".
        standardize: shift and scale each backbone channel first, by statistics kept with the weights.
        normalize_tokens: LayerNorm after the projection, for backbones that do not end in a norm.
        classes: number of classes of a frozen classifier whose words join the features (see
            :class:`ram.models.lite.class_words.ClassWords`); 0 for none, as in the official models.
        dropout: share of the backbone's channels that training leaves out.
        grid: patches are averaged to so many rows and columns; 0 keeps all.
        options: further arguments of the timm model (tests use them for tiny Swins).
    """

    backbone: str
    size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    interpolation: str = "bilinear"
    standardize: bool = False
    normalize_tokens: bool = False
    classes: int = 0
    dropout: float = 0.0
    grid: int = 0
    train_size: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"image size is {self.size}: it must be at least 1 pixel")
        if min(self.classes, self.grid, self.train_size) < 0:
            raise ValueError(
                f"classes is {self.classes}, grid {self.grid} and train_size {self.train_size}: none may be negative"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}: it must be at least 0 and under 1")
        if self.interpolation not in ("bilinear", "bicubic"):
            raise ValueError(f"interpolation is {self.interpolation!r}: it must be 'bilinear' or 'bicubic'")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError(f"statistics are 3 means and 3 positive stds, not {self.mean} and {self.std}")


@dataclass(frozen=True)
class DecoderConfig:
    """The alignment decoder: width, attention heads, feed-forward width, layers, dropout in training.

    With ``matching``, its head compares what it found with the tag's text (see
    :class:`ram.models.heads.MatchingHead`); the official models' head does not.
    """

    hidden: int = 768
    heads: int = 4
    intermediate: int = 3072
    layers: int = 2
    dropout: float = 0.1
    matching: bool = False

    def __post_init__(self) -> None:
        if min(self.hidden, self.heads, self.intermediate, self.layers) < 1:
            raise ValueError(f"decoder sizes must all be at least 1: {self}")
        if self.hidden % self.heads:
            raise ValueError(f"decoder width {self.hidden} does not divide into {self.heads} heads")


@dataclass(frozen=True)
class EnsembleConfig:
    """Terms that small models add to the decoder's logits (see :mod:`ram.models.lite.ensemble`).

    The official models add none, which is the default.

    Args:
        pooled_weight: weight of the cosine between the pooled token and a tag's mean description.
        classifier_weight: weight of the cosine between the classifier's class words and the description.
        unseen_classifier_weight: further weight of that cosine for tags that training did not contain.
        remembered_tags: number of training tags stored to tell which tags are unseen.
        prior_correction: fraction of the logit a tag gains from its frequency in training that is taken back for photos
            unlike the training data.
        pca_components: principal components stored to tell how unlike the training data a photo is.
    """

    pooled_weight: float = 0.0
    classifier_weight: float = 0.0
    unseen_classifier_weight: float = 0.0
    remembered_tags: int = 0
    prior_correction: float = 0.0
    pca_components: int = 0

    def __post_init__(self) -> None:
        weights = (self.pooled_weight, self.classifier_weight, self.unseen_classifier_weight, self.prior_correction)
        if not all(0 <= weight < math.inf for weight in weights):
            raise ValueError(f"ensemble weights are {', '.join(map(str, weights))}: each must be 0 or greater")
        if self.remembered_tags < 0 or bool(self.unseen_classifier_weight) != bool(self.remembered_tags):
            raise ValueError(
                f"ensemble.unseen_classifier_weight is {self.unseen_classifier_weight} with {self.remembered_tags} "
                "remembered_tags: set both or neither"
            )
        if (
            self.pca_components < 0
            or bool(self.prior_correction) != bool(self.pca_components)
            or (self.pca_components and not self.remembered_tags)
        ):
            raise ValueError(
                f"ensemble.prior_correction is {self.prior_correction} with {self.pca_components} pca_components and "
                f"{self.remembered_tags} remembered_tags: set all three, or neither of the first two"
            )


@dataclass(frozen=True)
class ModelConfig:
    """A whole model, as kept in the ``config.json`` of a model folder.

    Args:
        name: what people call it, such as "ram-plus-lite".
        image: the image encoder.
        text_encoder: "clip-vit-b-16" or "minilm-l6" (see :mod:`ram.models.text_encoder`); "learned" for tags without
            texts, which makes it Tag2Text.
        dim: width shared by projected image tokens and text embeddings; where tags are learned, that of their rows
            (see :class:`ram.models.reweighting.LearnedQueries`), and image tokens stay as wide as the backbone's.
        decoder: the alignment decoder.
        ensemble: terms that small models add to its logits.
        max_descriptions: descriptions used for each typed category; 1 makes it RAM, None (all) RAM++.
        reweight: weigh a tag's descriptions by the picture; else take their plain mean.
        center_descriptions: weigh descriptions by their difference from the mean of their tag (see
            :class:`ram.models.lite.centered_reweighting.CenteredReweighting`); the official models do not.
        standardize_text: shift and scale each channel of the blended text embeddings, by statistics kept with the
            weights; the official models do not.
    """

    name: str
    image: ImageConfig
    text_encoder: str
    dim: int
    decoder: DecoderConfig = DecoderConfig()
    ensemble: EnsembleConfig = EnsembleConfig()
    max_descriptions: int | None = None
    reweight: bool = True
    center_descriptions: bool = False
    standardize_text: bool = False

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f"embedding width is {self.dim}: it must be at least 1")
        if (self.ensemble.classifier_weight or self.ensemble.unseen_classifier_weight) and not self.image.classes:
            raise ValueError("ensemble.classifier_weight and unseen_classifier_weight need image.classes")
        if self.max_descriptions is not None and self.max_descriptions < 1:
            raise ValueError(f"max_descriptions is {self.max_descriptions}: it must be at least 1, or null")
        if self.learned and (self.dim != learned_width(self.decoder.hidden) or self.max_descriptions != 1):
            raise ValueError(
                f"learned tags have one row of {learned_width(self.decoder.hidden)} numbers each, not "
                f"{self.max_descriptions} of {self.dim}: set max_descriptions and dim"
            )
        if self.center_descriptions and not self.reweight:
            raise ValueError("center_descriptions is for re-weighting: set reweight = true")
        if self.learned and (self.reweight or self.standardize_text or self.decoder.matching):
            raise ValueError("learned tags have no texts: unset reweight, standardize_text and decoder.matching")

    @property
    def learned(self) -> bool:
        """Were the tags learnt one by one, without texts?"""
        return self.text_encoder == LEARNED

    @property
    def kind(self) -> str:
        """What people call such models: RAM has one description a tag, RAM++ several, Tag2Text none."""
        if self.learned:
            return "Tag2Text"
        return "RAM" if self.max_descriptions == 1 else "RAM++"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Read back what :meth:`to_dict` wrote.

        Raises:
            ValueError: a field is missing, unknown or of the wrong kind; the message names it.
        """
        return read_fields(cls, values, "config")


def read_fields(cls: type, values: Any, where: str) -> Any:
    """A dataclass from the plain values of JSON or TOML, nested ones included.

    Raises:
        ValueError: a field is missing, unknown or of the wrong kind; the message names it, after ``where``.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} must be an object with fields, not {values!r}")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    kinds = typing.get_type_hints(cls)
    if unknown := sorted(set(values) - set(fields)):
        raise ValueError(f"{where} has unknown fields {unknown}: this version knows {sorted(fields)}")
    read = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(kinds[name]):
            value = read_fields(typing.cast(type, kinds[name]), value, f"{where}.{name}")
        elif typing.get_origin(kinds[name]) is tuple and isinstance(value, list):
            value = tuple(value)
        if not _fits(value, kinds[name]):
            raise ValueError(f"{where}.{name} is {value!r}: it must be of kind {fields[name].type}")
        read[name] = value
    required = {name for name, f in fields.items() if f.default is f.default_factory is dataclasses.MISSING}
    if missing := sorted(required - set(read)):
        raise ValueError(f"{where} lacks the fields {missing}")
    return cls(**read)


def _fits(value: Any, kind: Any) -> bool:
    """Is a value read from JSON of the kind that a field is annotated with?"""
    if isinstance(kind, types.UnionType):
        return any(_fits(value, one) for one in typing.get_args(kind))
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(one, typing.get_args(kind)[0]) for one in value)
    if origin in (int, float):  # true and false are ints to Python
        return isinstance(value, (int, origin)) and not isinstance(value, bool)
    return isinstance(value, origin)


def learned_width(hidden: int) -> int:
    """Of a learned tag's row: its query, its head's weight and its head's bias."""
    return 2 * hidden + 1


def swin(name: str, backbone: str, size: int = 384, max_descriptions: int | None = None) -> ModelConfig:
    """An official RAM or RAM++ variant: a timm Swin under CLIP text embeddings of width 512."""
    return ModelConfig(
        name=name,
        image=_swin_image(backbone, size),
        text_encoder="clip-vit-b-16",
        dim=512,
        max_descriptions=max_descriptions,
    )


def tag2text(name: str, backbone: str, size: int = 384) -> ModelConfig:
    """An official Tag2Text variant: a timm Swin, and tags that were learnt one by one."""
    dim = learned_width(DecoderConfig.hidden)
    return ModelConfig(name, _swin_image(backbone, size), LEARNED, dim, max_descriptions=1, reweight=False)


def _swin_image(backbone: str, size: int) -> ImageConfig:
    return ImageConfig(backbone, size, options={"img_size": size, "window_size": 12 if size == 384 else 7})


VARIANTS: Mapping[str, ModelConfig] = {
    config.name: config
    for config in (
        swin("ram-plus-swin-large", "swin_large_patch4_window12_384"),
        swin("ram-plus-swin-large-224", "swin_large_patch4_window7_224", 224),
        swin("ram-plus-swin-base", "swin_base_patch4_window12_384"),
        swin("ram-plus-swin-base-224", "swin_base_patch4_window7_224", 224),
        swin("ram-swin-large", "swin_large_patch4_window12_384", max_descriptions=1),
        tag2text("tag2text-swin-base", "swin_base_patch4_window12_384"),
    )
}
"""Published variants that ``ram convert`` reads."""
