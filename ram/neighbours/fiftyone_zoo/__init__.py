"""Remote source of FiftyOne's model zoo; the package ram has to be installed."""

from __future__ import annotations

from typing import Any

import ram
from ram.neighbours.fiftyone_model import RamModel


def download_model(model_name: str, model_path: str) -> None:
    """Write the model folder of "ram/NAME" to a path."""
    ram.load(model_name.rpartition("/")[2]).save_pretrained(model_path)


def load_model(model_name: str, model_path: str, **options: Any) -> RamModel:
    """The model at a path; ``options`` are those of :class:`ram.neighbours.fiftyone_model.RamModel`."""
    return RamModel(model_path, **options)
