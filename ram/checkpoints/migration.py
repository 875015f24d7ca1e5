"""Read model folders that earlier versions wrote: old names of fields become the present ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENSEMBLE_FIELDS: Mapping[str, str] = {
    "pooled": "pooled_weight",
    "classes": "classifier_weight",
    "unfamiliar": "unseen_classifier_weight",
    "familiar": "remembered_tags",
    "elsewhere": "prior_correction",
    "axes": "pca_components",
}
"""Fields of the former section ``similarity``, to those of ``ensemble``."""


def migrate_config(values: Any) -> Any:
    """The content of a ``config.json`` with present field names; anything else is returned unchanged.

    A value under an unknown name is kept under it, so that reading the configuration reports it.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("similarity"), Mapping) or "ensemble" in values:
        return values
    ensemble = {ENSEMBLE_FIELDS.get(name, name): value for name, value in values["similarity"].items()}
    return {name: value for name, value in values.items() if name != "similarity"} | {"ensemble": ensemble}
