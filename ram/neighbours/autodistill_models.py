"""Base models and an ontology for autodistill, which labels a folder and trains a small model on it.

    from autodistill.detection import CaptionOntology
    from ram.neighbours.autodistill_models import RamBoxes, RamClassifier, ontology_of
    model = RamClassifier(CaptionOntology({"corgi": "corgi", "a kite in the sky": "kite"}))
    model.label("photos", extension=".jpg")
    ontology = ontology_of("photos")     # what the photos show, for GroundedSAM(ontology) or RamBoxes(ontology)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ram.errors import InputError
from ram.images.folders import find_images
from ram.images.opening import open_image
from ram.neighbours.chosen_tags import bank_of
from ram.neighbours.needed import needed
from ram.neighbours.supervision_results import classifications, detections
from ram.prediction import Prediction
from ram.regions.finding import find_regions
from ram.tagger import Tagger
from ram.tagger_loading import load

needed("autodistill")
from autodistill.classification import ClassificationBaseModel  # noqa: E402
from autodistill.detection import CaptionOntology, DetectionBaseModel  # noqa: E402


class _OverOntology:
    """A tagger with a bank made of an ontology's prompts.

    Args:
        ontology: prompts, which are embedded as typed categories, and the classes that they stand for.
        model: a name, a model folder, a repository or a tagger.
        threshold: probability over which a class is present; the tags' own where None.
    """

    def __init__(
        self, ontology: CaptionOntology, model: str | Tagger = "ram-plus-lite", threshold: float | None = None
    ) -> None:
        super().__init__(ontology)  # type: ignore[call-arg]
        self.ontology = ontology
        self.tagger = load(model) if isinstance(model, str) else model
        self.threshold = threshold
        self.bank = bank_of(self.tagger, ontology.prompts())


class RamClassifier(_OverOntology, ClassificationBaseModel):
    """Label images with the classes of an ontology; a prompt that is a predefined tag keeps its threshold."""

    def predict(self, input: Any) -> Any:
        """``supervision.Classifications`` of a path, array in BGR or PIL image."""
        image = _opened(input)
        prediction = self._score(image)
        found = classifications(prediction, self.threshold)
        if len(found.class_id):
            return found
        best = prediction.top(1)[0]  # a folder of classes needs one for each image
        return type(found)(np.array([self.ontology.prompts().index(best.tag)]), np.array([best.probability]))

    def _score(self, image: Any) -> Prediction:
        return self.tagger.score(self.tagger.look(image), self.bank)


class RamBoxes(_OverOntology, DetectionBaseModel):
    """Label images with boxes from the tagger's own evidence: rough, but without another model."""

    def predict(self, input: Any) -> Any:
        """``supervision.Detections`` of a path, array in BGR or PIL image."""
        image = _opened(input)
        regions = find_regions(self.tagger, image, self.bank, self.threshold)
        return detections(regions, image.size, self.ontology.prompts())


def ontology_of(
    pictures: str | Path | Sequence[str | Path], model: str | Tagger = "ram-plus-lite", at_least: int = 1
) -> CaptionOntology:
    """The tags that photos show, as an ontology for any base model of autodistill.

    Args:
        pictures: a folder, or the files.
        model: a name, a model folder, a repository or a tagger.
        at_least: photos that must show a tag.

    Raises:
        InputError: no tag is on that many photos.
        ImageError: an image cannot be opened.
    """
    tagger = load(model) if isinstance(model, str) else model
    files = find_images([pictures]) if isinstance(pictures, (str, Path)) else list(pictures)
    counts = Counter(tag for prediction in tagger.tag(files) for tag in prediction.tags)
    tags = [tag for tag, count in counts.most_common() if count >= at_least]
    if not tags:
        raise InputError(f"no tag is on {at_least} of the {len(files)} photos: lower at_least")
    return CaptionOntology({tag: tag for tag in tags})


def _opened(picture: Any) -> Image.Image:
    """An image as autodistill gives it: its arrays are BGR."""
    return open_image(picture[:, :, ::-1] if isinstance(picture, np.ndarray) else picture)
