"""Configuration of a model as plain values: variants differ in its fields, never in branches of code."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ram.errors import InputError
from ram.models.captioner_config import CaptionerConfig

_T = TypeVar("_T")

LEARNED = "learned"
"""Stands for no text encoder: every tag has a learned query and head, and no text (Tag2Text)."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageConfig:
    """The image encoder and how its images are prepared.

    Args:
        backbone: name of a timm model.
        size: side of the square input, in pixels.
        train_size: side in training, where it differs; 0 where not. Random crops show objects larger than whole images
            do, so a network gains from larger images in evaluation (Touvron et al. 2019).
        mean, std: statistics of the training images, per channel, for values in 0..1; they belong to the weights.
        interpolation: how images are resized, "bilinear" or "bicubic".
        standardize: shift and scale each backbone channel first, by statistics saved with the weights.
        normalize_tokens: LayerNorm after the projection, for backbones that do not end in a norm.
        classes: number of classes of a frozen classifier whose words join the features (see
            :class:`ram.models.lite.class_words.ClassWords`); 0 for none, as in the official models.
        class_temperature: divides the classifier's logits before they weigh class words.
        dropout: fraction of the backbone's channels that training leaves out.
        grid: rows and columns to which patches are averaged; 0 keeps all.
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
    class_temperature: float = 2.0
    dropout: float = 0.0
    grid: int = 0
    train_size: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"image size is {self.size}: it must be at least 1 pixel")
        if min(self.classes, self.grid, self.train_size) < 0:
            raise InputError(
                f"classes is {self.classes}, grid {self.grid} and train_size {self.train_size}: none may be negative"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}: it must be at least 0 and under 1")
        if self.interpolation not in ("bilinear", "bicubic"):
            raise InputError(f"interpolation is {self.interpolation!r}: it must be 'bilinear' or 'bicubic'")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise InputError(f"statistics are 3 means and 3 positive stds, not {self.mean} and {self.std}")


@dataclass(frozen=True)
class DecoderConfig:
    """The alignment decoder.

    Args:
        hidden: width of the queries.
        heads: attention heads.
        intermediate: width of the feed-forward part.
        layers: number of layers.
        dropout: probability in training.
        matching: the head also compares each state with the tag's text (see
            :class:`ram.models.lite.matching.MatchingHead`); that of the official models does not.
    """

    hidden: int = 768
    heads: int = 4
    intermediate: int = 3072
    layers: int = 2
    dropout: float = 0.1
    matching: bool = False

    def __post_init__(self) -> None:
        if min(self.hidden, self.heads, self.intermediate, self.layers) < 1:
            raise InputError(f"decoder sizes must all be at least 1: {self}")
        if self.hidden % self.heads:
            raise InputError(f"decoder width {self.hidden} does not divide into {self.heads} heads")


@dataclass(frozen=True)
class EnsembleConfig:
    """Terms that small models add to the decoder's logits (see :mod:`ram.models.lite.ensemble`).

    The official models add none, which is the default.

    Args:
        pooled_weight: weight of the cosine between the pooled token and a tag's mean description.
        classifier_weight: weight of the evidence of the backbone's classifier.
        similarity_power: exponent of the cosine of a class and a tag; higher, only near ones count.
        shortlist_lift: estimate of how far the decoder lifts a tag per unit of cosine; only orders a shortlist.
    """

    pooled_weight: float = 0.0
    classifier_weight: float = 0.0
    similarity_power: float = 3.0
    shortlist_lift: float = 12.0

    def __post_init__(self) -> None:
        weights = (self.pooled_weight, self.classifier_weight)
        if not all(0 <= weight < math.inf for weight in weights):
            raise InputError(f"ensemble weights are {', '.join(map(str, weights))}: each must be 0 or greater")

    @property
    def active(self) -> bool:
        """Whether any term is added to the decoder's logit."""
        return self.pooled_weight > 0 or self.classifier_weight > 0


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: the content of ``config.json`` in a model folder.

    Args:
        name: such as "ram-plus-lite".
        image: the image encoder.
        text_encoder: "clip-vit-b-16" or "minilm-l6" (see :mod:`ram.models.text_encoder`); "open_clip:MODEL/WEIGHTS"
            for any text tower of open_clip; "learned" for tags without texts, as in Tag2Text.
        dim: width shared by projected image tokens and text embeddings; of learned tags, the width of their rows (see
            :mod:`ram.models.tag2text`), while image tokens stay as wide as the backbone's.
        decoder: the alignment decoder.
        ensemble: terms that small models add to its logits.
        max_descriptions: descriptions used for each typed category; 1 makes it RAM, None (all) RAM++.
        reweight: weigh a tag's descriptions by the image; else take their plain mean.
        standardize_text: shift and scale each channel of the blended text embeddings, by statistics saved with the
            weights; the official models do not.
        center_descriptions: weigh descriptions by their difference from the mean of their tag (see
            :class:`ram.models.lite.centered_reweighting.CenteredReweighting`); the official models do not.
        unlike_below: an image is unlike the photos of training where the mean of its five highest logits over the
            model's own vocabulary is below (see :class:`ram.prediction.Strength`). It is the 2 % quantile of that mean
            over development photos of the training data, so 2 of 100 such photos are below by definition; no benchmark
            and no drawn picture chose it. None never says so.
        captioner: writes captions from image tokens and tags; None for a model without.
    """

    name: str
    image: ImageConfig
    text_encoder: str
    dim: int
    decoder: DecoderConfig = DecoderConfig()
    ensemble: EnsembleConfig = EnsembleConfig()
    max_descriptions: int | None = None
    reweight: bool = True
    standardize_text: bool = False
    center_descriptions: bool = False
    unlike_below: float | None = None
    captioner: CaptionerConfig | None = None

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise InputError(f"embedding width is {self.dim}: it must be at least 1")
        if self.ensemble.classifier_weight and not self.image.classes:
            raise InputError("ensemble.classifier_weight needs image.classes")
        if self.max_descriptions is not None and self.max_descriptions < 1:
            raise InputError(f"max_descriptions is {self.max_descriptions}: it must be at least 1, or null")
        if self.unlike_below is not None and not math.isfinite(self.unlike_below):
            raise InputError(f"unlike_below is {self.unlike_below}: it must be a finite number, or null")
        if self.learned and (self.dim != learned_width(self.decoder.hidden) or self.max_descriptions != 1):
            raise InputError(
                f"learned tags have one row of {learned_width(self.decoder.hidden)} numbers each, not "
                f"{self.max_descriptions} of {self.dim}: set max_descriptions and dim"
            )
        if self.center_descriptions and not self.reweight:
            raise InputError("center_descriptions is for re-weighting: set reweight = true")
        if self.learned and (self.reweight or self.standardize_text or self.decoder.matching):
            raise InputError("learned tags have no texts: unset reweight, standardize_text and decoder.matching")
        if self.captioner is not None and self.captioner.tied_layers:
            self._check_tied(self.captioner)

    def _check_tied(self, captioner: CaptionerConfig) -> None:
        decoder = self.decoder
        ours, theirs = (captioner.hidden, captioner.intermediate), (decoder.hidden, decoder.intermediate)
        if ours != theirs or captioner.tied_layers > decoder.layers:
            raise InputError(
                f"{captioner.tied_layers} layers of the captioner, of width {ours}, are tied to a decoder of "
                f"{decoder.layers} layers, of width {theirs}: make both equal, or set captioner.tied_layers to 0"
            )

    @property
    def learned(self) -> bool:
        """Whether the tags were learned one by one, without texts."""
        return self.text_encoder == LEARNED

    @property
    def kind(self) -> str:
        """Family of the model: RAM has one description per tag, RAM++ several, Tag2Text none."""
        if self.learned:
            return "Tag2Text"
        return "RAM" if self.max_descriptions == 1 else "RAM++"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """Read what :meth:`to_dict` wrote.

        Raises:
            InputError: a field is missing, unknown or of the wrong type; the message names it.
        """
        return read_fields(cls, values, "config")


def read_fields(cls: type[_T], values: Any, where: str) -> _T:
    """Build a dataclass, with the dataclasses inside it, from the plain values of a JSON or TOML document.

    Types are strict: a string is no number, and true is no integer. Whole numbers may stand for fractions.

    Args:
        cls: the dataclass.
        values: mapping of its fields.
        where: name of the document for error messages, such as "config".

    Raises:
        InputError: a field is missing, unknown or of the wrong type; the message names it.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"{where} must be an object with fields, not {values!r}")
    try:  # as JSON, where strict types still take a list for a tuple
        return TypeAdapter(cls).validate_json(json.dumps(values, default=str), strict=True, extra="forbid")
    except ValidationError as error:
        raise InputError(_one_sentence(error, where)) from None


def _one_sentence(error: ValidationError, where: str) -> str:
    """The first fault that pydantic found, unknown fields before all others."""
    faults = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] not in _UNKNOWN)
    kind, location, value = (faults[0][part] for part in ("type", "loc", "input"))
    if kind == "value_error":
        return str(faults[0]["ctx"]["error"])
    name, section = ".".join(map(str, (where, *location))), ".".join(map(str, (where, *location[:-1])))
    alike = sorted(
        str(fault["loc"][-1]) for fault in faults if fault["type"] == kind and fault["loc"][:-1] == location[:-1]
    )
    if kind in _UNKNOWN:
        return f"{section} has unknown fields {alike}: check their spelling"
    if kind == "missing" and isinstance(location[-1], str):
        return f"{section} lacks the fields {alike}"
    if kind in ("missing", "too_long"):
        return f"{section if kind == 'missing' else name} is {value!r}: it has the wrong number of values"
    if kind == "dataclass_type":
        return f"{name} must be an object with fields, not {value!r}"
    return f"{name} is {value!r}: {faults[0]['msg'].replace('Input should be', 'it must be')}"


_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


def learned_width(hidden: int) -> int:
    """Width of a learned tag's row: its query, its head's weight and its head's bias."""
    return 2 * hidden + 1
