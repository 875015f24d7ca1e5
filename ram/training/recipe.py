"""A recipe: everything a training run needs to know, read from a short TOML file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ram.checkpoints.model_folder import find_model, list_models
from ram.models.config import VARIANTS, ModelConfig, read_fields
from ram.training.data.data_recipe import DataRecipe
from ram.training.data_engine.generated_tags import GeneratedRecipe
from ram.training.objectives import OBJECTIVES, LossRecipe
from ram.training.schedule import ScheduleRecipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


TEACHERS = ("clip-vit-b-16", "classifier", "captions")
"""CLIP's image tower, beside its text tower; the backbone's ImageNet classifier; a picture's own captions."""


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Args:
        model: what is trained.
        data: what it learns from.
        schedule: how.
        objectives: name (see :data:`ram.training.objectives.OBJECTIVES`) to weight.
        losses: by which loss tags and captions are learnt.
        teacher: whom ``distillation`` follows (see :data:`TEACHERS`); empty without it.
        teacher_temperature: divides the logits of the classifier; under 1 it is surer of its first class.
        generated: what the backbone's ImageNet classifier adds to the tags; nothing unless a threshold is given.
        initialize: start from all weights of a shipped model, or of a model folder below the data folder; the bank is
            made anew from ``data``.
        pretrained: else start the backbone from its pip package's ImageNet weights.
        freeze_backbone: train everything but the backbone, whose patches are then computed once and cached.
        learning_stages: of a frozen backbone, so many of its last stages learn all the same; what comes before them is
            cached. For EfficientNets.
    """

    model: ModelConfig
    data: DataRecipe
    schedule: ScheduleRecipe
    objectives: Mapping[str, float] = field(default_factory=lambda: {"tagging": 1.0})
    losses: LossRecipe = LossRecipe()
    teacher: str = ""
    teacher_temperature: float = 1.0
    generated: GeneratedRecipe = GeneratedRecipe()
    initialize: str = ""
    pretrained: bool = True
    freeze_backbone: bool = True
    learning_stages: int = 0

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.objectives) - set(OBJECTIVES)):
            raise ValueError(f"objectives {unknown} are unknown: choose from {sorted(OBJECTIVES)}")
        if not self.objectives:
            raise ValueError(f"objectives are empty: choose from {sorted(OBJECTIVES)}")
        for name, weight in self.objectives.items():
            if not (isinstance(weight, (int, float)) and weight > 0):
                raise ValueError(f"objectives.{name} is {weight!r}: its weight must be a number over 0")
        if self.schedule.checkpointing and self.freeze_backbone:
            raise ValueError("schedule.checkpointing is for a backbone that learns: set freeze_backbone = false too")
        if self.learning_stages < 0 or (self.learning_stages and not self.freeze_backbone):
            raise ValueError(
                f"learning_stages is {self.learning_stages}: it must not be negative, and is for a frozen backbone"
            )
        self._check_teacher()

    def _check_teacher(self) -> None:
        if ("distillation" in self.objectives) != bool(self.teacher):
            raise ValueError(
                f"teacher is {self.teacher!r}: the objective distillation needs one of {list(TEACHERS)}, and a teacher "
                "needs that objective"
            )
        if self.teacher and self.teacher not in TEACHERS:
            raise ValueError(f"teacher {self.teacher!r} is unknown: choose one of {list(TEACHERS)}")
        if self.teacher == "clip-vit-b-16" and self.model.text_encoder != "clip-vit-b-16":
            raise ValueError(
                f"teacher 'clip-vit-b-16' does not speak the language of model.text_encoder "
                f"{self.model.text_encoder!r}: choose 'classifier' or 'captions'"
            )
        if "retention" in self.objectives and not self.model.image.classes:
            raise ValueError("the objective retention is for a model with a classifier: set model.image.classes")
        if "retention" in self.objectives and self.freeze_backbone and not self.learning_stages:
            raise ValueError("the objective retention is for a backbone that learns: set learning_stages")
        for asked, field_ in (
            (self.teacher == "classifier", "teacher"),
            (self.generated.threshold < 1 or self.generated.dense_sure < 1, "generated"),
            ("retention" in self.objectives, "retention"),
        ):
            if asked and not self.pretrained:
                raise ValueError(f"{field_} asks the classifier of the pretrained backbone: set pretrained = true")
        if not self.teacher_temperature > 0:
            raise ValueError(f"teacher_temperature is {self.teacher_temperature}: it must be over 0")

    @classmethod
    def load(cls, path: str | Path, changes: Mapping[str, str] = MappingProxyType({})) -> Recipe:
        """Read a TOML recipe, or the one in the package that has this name.

        Where ``initialize`` names a shipped model, the fields of that model need not be repeated.

        Args:
            path: of the file.
            changes: field, such as "schedule.epochs", to what replaces it, written as in the file; a bare word is text,
                and nothing takes the field out.

        Raises:
            ValueError: the file is missing or not TOML, or a field is missing, unknown or out of range.
        """
        path = shipped_recipes().get(str(path), Path(path))
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            names = ", ".join(shipped_recipes())
            raise ValueError(f"there is no recipe {path.name!r}: give the path of a .toml file, or {names}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path.name} is not TOML: {error}") from None
        for field_, text in changes.items():
            _change(values, field_, text)
        shipped = [name for name in list_models() if name not in VARIANTS]
        if values.get("initialize") in shipped and isinstance(values.get("model", {}), dict):
            config = json.loads((find_model(values["initialize"]) / "config.json").read_text(encoding="utf-8"))
            values["model"] = {**config, **values.get("model", {})}
        try:
            return read_fields(cls, values, "recipe")
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None


def shipped_recipes() -> dict[str, Path]:
    """Name to file of the recipes in the package."""
    folder = Path(str(resources.files("ram"))) / "training" / "recipes"
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def _change(values: dict[str, Any], field_: str, text: str) -> None:
    *sections, name = field_.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ValueError(f"{field_} cannot be changed: {section} is a value, not a section")
    if not text:
        values.pop(name, None)
        return
    try:
        values[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[name] = text
