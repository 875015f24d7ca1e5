"""Open-set image tagging: RAM, RAM++ and Tag2Text rebuilt from the papers.

    import ram
    tagger = ram.load("ram-plus-lite")
    tagger.tag("photo.jpg").tags

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = {
    "ram.tagger_loading": ("load",),
    "ram.tagger": ("Tagger",),
    "ram.caption_writing": ("CaptionOptions",),
    "ram.checkpoints.registry": ("list_models",),
    "ram.checkpoints.official": ("convert_official",),
    "ram.models.config": ("ModelConfig",),
    "ram.prediction": ("Prediction", "TagScore", "Evidence", "Explanation"),
    "ram.text.vocabulary": ("TagVocabulary",),
    "ram.text.descriptions": ("TagDescriptions",),
    "ram.text.bank": ("TagEmbeddingBank",),
    "ram.errors": (
        "RamError",
        "InputError",
        "ImageError",
        "ImageTypeError",
        "ArchiveError",
        "PackError",
        "CheckpointError",
        "DownloadError",
        "TextEncoderError",
        "DescriberError",
        "MissingKeyError",
        "TeacherError",
        "TrainingError",
        "WorkerError",
        "MissingPackageError",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from ram.caption_writing import CaptionOptions as CaptionOptions
    from ram.checkpoints.official import convert_official as convert_official
    from ram.checkpoints.registry import list_models as list_models
    from ram.errors import *  # noqa: F403
    from ram.models.config import ModelConfig as ModelConfig
    from ram.prediction import Evidence as Evidence
    from ram.prediction import Explanation as Explanation
    from ram.prediction import Prediction as Prediction
    from ram.prediction import TagScore as TagScore
    from ram.tagger import Tagger as Tagger
    from ram.tagger_loading import load as load
    from ram.text.bank import TagEmbeddingBank as TagEmbeddingBank
    from ram.text.descriptions import TagDescriptions as TagDescriptions
    from ram.text.vocabulary import TagVocabulary as TagVocabulary


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ram' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
