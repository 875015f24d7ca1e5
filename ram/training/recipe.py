"""A recipe: everything a training run needs to know, read from a TOML file. Imports no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ram.errors import InputError
from ram.models.config import ModelConfig, read_fields
from ram.text.files import read_text
from ram.training.recipe_sections import (
    OBJECTIVES,
    TEACHERS,
    WRITING,
    CaptionRecipe,
    DataRecipe,
    GeneratedRecipe,
    LossRecipe,
    ScheduleRecipe,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


__all__ = [
    "CaptionRecipe", "DataRecipe", "GeneratedRecipe", "LossRecipe", "Recipe", "ScheduleRecipe", "shipped_recipes",
]  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Args:
        model: what is trained.
        data: what it learns from.
        schedule: how it learns.
        objectives: name (one of :data:`ram.training.recipe_sections.OBJECTIVES`) to weight.
        losses: the losses of tags and captions.
        teacher: the teacher of ``distillation`` (one of :data:`ram.training.recipe_sections.TEACHERS`), or empty.
        teacher_temperature: divides the logits of the classifier; under 1 its distribution is sharper.
        generated: tags that the backbone's ImageNet classifier adds; none by default.
        captions: how captions are learned.
        initialize: start from all weights of a shipped model, or of a model folder below the data folder. The bank is
            built from ``data``; learned tags begin as the tags of the same names.
        initialize_parts: parts of the model, such as "image_encoder.backbone", whose weights alone are taken from
            ``initialize``, which may then be another architecture; empty for all.
        described_words: make tokens of the class descriptions with which ``initialize`` compares tags; see
            :class:`ram.models.lite.class_words.ClassWords`. Otherwise they stay as its decoder knows them.
        pretrained: otherwise start the backbone from its pip package's ImageNet weights.
        freeze_backbone: train everything but the backbone, whose patches are computed once and cached.
        learning_stages: number of last stages of a frozen EfficientNet that are trained all the same; the output of
            the stages before them is cached.
    """

    model: ModelConfig
    data: DataRecipe
    schedule: ScheduleRecipe
    objectives: Mapping[str, float] = field(default_factory=lambda: {"tagging": 1.0})
    losses: LossRecipe = LossRecipe()
    teacher: str = ""
    teacher_temperature: float = 1.0
    generated: GeneratedRecipe = GeneratedRecipe()
    captions: CaptionRecipe = CaptionRecipe()
    initialize: str = ""
    initialize_parts: tuple[str, ...] = ()
    described_words: bool = False
    pretrained: bool = True
    freeze_backbone: bool = True
    learning_stages: int = 0

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.objectives) - set(OBJECTIVES)):
            raise InputError(f"objectives {unknown} are unknown: choose from {sorted(OBJECTIVES)}")
        if not self.objectives:
            raise InputError(f"objectives are empty: choose from {sorted(OBJECTIVES)}")
        for name, weight in self.objectives.items():
            if not (isinstance(weight, (int, float)) and weight > 0):
                raise InputError(f"objectives.{name} is {weight!r}: its weight must be a number over 0")
        if self.schedule.checkpointing and self.freeze_backbone:
            raise InputError("schedule.checkpointing is for a backbone that learns: set freeze_backbone = false too")
        if self.schedule.negatives and self.losses.tagging == "ce":
            raise InputError("schedule.negatives does not go with losses.tagging = 'ce', in which all tags compete")
        if self.learning_stages < 0 or (self.learning_stages and not self.freeze_backbone):
            raise InputError(
                f"learning_stages is {self.learning_stages}: it must not be negative, and is for a frozen backbone"
            )
        if self.generated.dense_sure < 1 and self.model.image.grid % 4:
            raise InputError(
                f"model.image.grid is {self.model.image.grid}, and the dense teacher (generated.dense_sure) reads "
                "quarters of it: take 4, 8, ... or 0"
            )
        if self.described_words and (not self.initialize or self.initialize_parts or not self.model.image.classes):
            raise InputError(
                "described_words is for the classifier of another model: set initialize and model.image.classes, "
                "and no initialize_parts"
            )
        if self.initialize_parts and not self.initialize:
            raise InputError("initialize_parts names parts of another model: set initialize too")
        self._check_teacher()
        self._check_captions()
        if self.model.learned:
            self._check_learned()

    def _check_captions(self) -> None:
        scale = self.losses.tagging_scaled_to
        if scale and not {"tagging", scale} <= set(self.objectives):
            raise InputError(f"losses.tagging_scaled_to is {scale!r}: both tagging and {scale} must be objectives")
        learned = [name for name in WRITING if name in self.objectives]
        if not learned:
            return
        captioner, tokens = self.model.captioner, self.captions.tokens
        if captioner is None:
            raise InputError(f"the objective {learned[0]} is for a model with a captioner: set model.captioner")
        if not captioner.min_length <= tokens <= captioner.positions:
            raise InputError(
                f"captions.tokens is {tokens}: it must be between {captioner.min_length} and {captioner.positions}"
            )

    def _check_learned(self) -> None:
        if texts := sorted(set(self.objectives) - {"tagging", *WRITING}):
            raise InputError(f"the objective {texts[0]} is for tags with texts: learned tags have none")
        if self.generated.threshold < 1 or self.model.image.classes:
            raise InputError("generated.threshold and model.image.classes are for tags with texts: learned have none")

    def _check_teacher(self) -> None:
        if ("distillation" in self.objectives) != bool(self.teacher):
            raise InputError(
                f"teacher is {self.teacher!r}: the objective distillation needs one of {list(TEACHERS)}, and a teacher "
                "needs that objective"
            )
        if self.teacher and self.teacher not in TEACHERS:
            raise InputError(f"teacher {self.teacher!r} is unknown: choose one of {list(TEACHERS)}")
        if self.teacher == "clip-vit-b-16" and self.model.text_encoder != "clip-vit-b-16":
            raise InputError(
                f"teacher 'clip-vit-b-16' gives no embeddings of model.text_encoder "
                f"{self.model.text_encoder!r}: choose 'classifier' or 'captions'"
            )
        if "retention" in self.objectives and not self.model.image.classes:
            raise InputError("the objective retention is for a model with a classifier: set model.image.classes")
        if "retention" in self.objectives and self.freeze_backbone and not self.learning_stages:
            raise InputError("the objective retention is for a backbone that learns: set learning_stages")
        for asked, field_ in (
            (self.teacher == "classifier", "teacher"),
            (self.generated.threshold < 1 or self.generated.dense_sure < 1, "generated"),
            ("retention" in self.objectives, "retention"),
        ):
            if asked and not self.pretrained:
                raise InputError(f"{field_} asks the classifier of the pretrained backbone: set pretrained = true")
        if not self.teacher_temperature > 0:
            raise InputError(f"teacher_temperature is {self.teacher_temperature}: it must be over 0")

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, str] = MappingProxyType({})) -> Recipe:
        """Read a recipe from a TOML file, or the recipe of that name in the package.

        Where ``initialize`` names a shipped model, ``[model]`` needs only the fields that differ from it, but not with
        ``initialize_parts``.

        Args:
            path: path of the file, or a name of :func:`shipped_recipes`.
            changes: field, such as "schedule.epochs", to its new value, written as in the file. A bare word is text,
                and an empty value removes the field.

        Raises:
            InputError: the file is missing or not TOML, or a field is missing, unknown or out of range.
        """
        path = shipped_recipes().get(str(path), Path(path))
        if not path.is_file():
            names = ", ".join(shipped_recipes())
            raise InputError(f"there is no recipe {path.name!r}: give the path of a .toml file, or {names}")
        try:
            values = tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path.name} is not TOML: {error}") from None
        for field_, text in changes.items():
            _change(values, field_, text)
        config = Path(str(resources.files("ram"))) / "pretrained" / str(values.get("initialize", "")) / "config.json"
        if config.is_file() and isinstance(values.get("model", {}), dict) and not values.get("initialize_parts"):
            shipped = ModelConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
            fresh = replace(shipped, unlike_below=None)  # training changes the logits that it was fitted to
            values["model"] = {**fresh.to_dict(), **values.get("model", {})}
        try:
            return read_fields(cls, values, "recipe")
        except ValueError as error:
            raise InputError(f"{path.name}: {error}") from None


def shipped_recipes() -> dict[str, Path]:
    """Return name and file of each recipe in the package."""
    folder = Path(str(resources.files("ram"))) / "training" / "recipes"
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def _change(values: dict[str, Any], field_: str, text: str) -> None:
    *sections, name = field_.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise InputError(f"{field_} cannot be changed: {section} is a value, not a section")
    if not text:
        values.pop(name, None)
        return
    try:
        values[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[name] = text
