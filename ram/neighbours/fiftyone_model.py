"""A tagger as a model of FiftyOne: tags, boxes and embeddings of a dataset.

    import fiftyone.zoo as foz
    from ram.neighbours.fiftyone_model import add_to_zoo
    add_to_zoo()                                       # or foz.register_zoo_model_source(the repository's address)
    model = foz.load_zoo_model("ram/ram-plus-lite")    # or ("ram/ram-plus-lite", tags=["corgi", "kite"], boxes=True)
    dataset.apply_model(model, label_field="tags")
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ram.neighbours.chosen_tags import bank_of
from ram.neighbours.needed import needed
from ram.regions.finding import find_regions
from ram.tagger import Tagger
from ram.tagger_loading import load

needed("fiftyone")
import fiftyone  # noqa: E402
import fiftyone.core.models as fom  # noqa: E402

SOURCE = Path(__file__).parent / "fiftyone_zoo"
"""The folder that FiftyOne reads as a remote source: a manifest and two functions."""


class RamModel(fom.Model, fom.EmbeddingsMixin):
    """Tag images for FiftyOne.

    Args:
        model: a name, a model folder, a repository of the hub, or a tagger.
        tags: categories to score in place of the predefined tags.
        threshold: probability over which a label is given; the tags' own where None.
        boxes: give detections, rough boxes from the tagger's own evidence, in place of classifications.
    """

    def __init__(
        self,
        model: str | Tagger = "ram-plus-lite",
        tags: Sequence[str] | None = None,
        threshold: float | None = None,
        boxes: bool = False,
    ) -> None:
        self.tagger = load(model) if isinstance(model, str) else model
        self.bank = self.tagger.bank if tags is None else bank_of(self.tagger, tags)
        self.threshold = threshold
        self.boxes = boxes
        self._last: np.ndarray | None = None

    @property
    def media_type(self) -> str:
        """Images, not videos."""
        return "image"

    @property
    def ragged_batches(self) -> bool:
        """Whether batches of images of different sizes have to be avoided: no, the tagger resizes."""
        return False

    @property
    def transforms(self) -> None:
        """None: the tagger transforms images itself."""
        return None

    @property
    def preprocess(self) -> bool:
        """False: there are no transforms to apply."""
        return False

    @preprocess.setter
    def preprocess(self, value: bool) -> None:
        """FiftyOne sets it for models with transforms."""

    def predict(self, arg: np.ndarray) -> Any:
        """``Classifications`` or ``Detections`` of an image (height, width, 3) in RGB."""
        if self.boxes:
            return _detections(self.tagger, arg, self.bank, self.threshold)
        features = self.tagger.look(arg)
        self._last = features.pooled.float().cpu().numpy()
        scores = self.tagger.score(features, self.bank).above(self.threshold)
        labels = [fiftyone.Classification(label=score.tag, confidence=score.probability) for score in scores]
        return fiftyone.Classifications(classifications=labels)

    def get_embeddings(self) -> np.ndarray:
        """(1, dim) pooled token of the last image that was tagged.

        Raises:
            ValueError: none was tagged.
        """
        if self._last is None:
            raise ValueError("no image was tagged yet: call predict first, or embed")
        return self._last

    def embed(self, arg: np.ndarray) -> np.ndarray:
        """(1, dim) pooled token of an image (height, width, 3)."""
        return self.tagger.look(arg).pooled.float().cpu().numpy()

    def embed_all(self, args: Iterable[np.ndarray]) -> np.ndarray:
        """(images, dim) pooled tokens."""
        return np.concatenate([self.embed(arg) for arg in args])


def add_to_zoo(zoo: str | Path | None = None) -> Path:
    """Copy the source into the folder of FiftyOne's model zoo, which then knows the shipped models.

    Args:
        zoo: the folder; that of FiftyOne's configuration where None.

    Returns:
        Where it is.
    """
    target = Path(zoo or fiftyone.config.model_zoo_dir) / "ram"
    return Path(shutil.copytree(SOURCE, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")))


def _detections(tagger: Tagger, image: np.ndarray, bank: Any, threshold: float | None) -> Any:
    """Boxes as FiftyOne has them: left, top, width and height as shares."""
    found = []
    for region in find_regions(tagger, image, bank, threshold):
        left, top, right, bottom = region.box
        box = [left, top, right - left, bottom - top]
        found.append(fiftyone.Detection(label=region.tag, bounding_box=box, confidence=region.probability))
    return fiftyone.Detections(detections=found)
