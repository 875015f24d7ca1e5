"""Read model folders that earlier versions wrote: former names of fields and weights become the present ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

ENSEMBLE_FIELDS: Mapping[str, str] = {
    "pooled": "pooled_weight",
    "classes": "classifier_weight",
    "unfamiliar": "unseen_classifier_weight",
    "familiar": "remembered_tags",
    "elsewhere": "prior_correction",
    "axes": "pca_components",
}
"""Fields of the former section ``similarity``, to those of ``ensemble``."""


WEIGHTS: Mapping[str, str] = {
    "similarity.familiarity.tags": "ensemble.familiarity.tags",
    "similarity.familiarity.practice": "ensemble.familiarity.exposure",
    "similarity.familiarity.surplus": "ensemble.familiarity.surplus",
    "similarity.novelty.center": "ensemble.novelty.center",
    "similarity.novelty.axes": "ensemble.novelty.components",
    "similarity.novelty.usual": "ensemble.novelty.bounds",
}
"""Former names of weights, to the present ones."""

_Tensor = TypeVar("_Tensor")


def migrate_weights(weights: Mapping[str, _Tensor]) -> dict[str, _Tensor]:
    """Tensors of a ``model.safetensors`` by present names."""
    return {WEIGHTS.get(name, name): tensor for name, tensor in weights.items()}


def migrate_config(values: Any) -> Any:
    """The content of a ``config.json`` with present field names; anything else is returned unchanged.

    A value under an unknown name is kept under it, so that reading the configuration reports it.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("similarity"), Mapping) or "ensemble" in values:
        return values
    ensemble = {ENSEMBLE_FIELDS.get(name, name): value for name, value in values["similarity"].items()}
    return {name: value for name, value in values.items() if name != "similarity"} | {"ensemble": ensemble}
