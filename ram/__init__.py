"""Open-set image tagging: RAM and RAM++ rebuilt.

    import ram
    tagger = ram.load("ram-plus-lite")
    tagger.tag("photo.jpg").tags

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "load": "ram.tagger",
    "Tagger": "ram.tagger",
    "list_models": "ram.checkpoints.model_folder",
    "convert_official": "ram.checkpoints.official",
    "ModelConfig": "ram.models.config",
    "Prediction": "ram.prediction",
    "TagDescriptions": "ram.text.descriptions",
    "TagEmbeddingBank": "ram.text.bank",
    "TagVocabulary": "ram.text.vocabulary",
}

__all__ = [
    "ModelConfig",
    "Prediction",
    "TagDescriptions",
    "TagEmbeddingBank",
    "TagVocabulary",
    "Tagger",
    "convert_official",
    "list_models",
    "load",
]

if TYPE_CHECKING:
    from ram.checkpoints.model_folder import list_models
    from ram.checkpoints.official import convert_official
    from ram.models.config import ModelConfig
    from ram.prediction import Prediction
    from ram.tagger import Tagger, load
    from ram.text.bank import TagEmbeddingBank
    from ram.text.descriptions import TagDescriptions
    from ram.text.vocabulary import TagVocabulary


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ram' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
