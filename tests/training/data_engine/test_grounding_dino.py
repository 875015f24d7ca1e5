"""Grounding-DINO with tiny random weights: boxes of each tag, and a sentence where there are no weights."""

import pytest
import torch
from PIL import Image

from ram.errors import DownloadError
from ram.training.data_engine.grounding_dino import GroundingDinoDetector, load_grounding_dino
from tests.hub_models import tiny_grounding_dino

pytestmark = pytest.mark.slow
PICTURE = Image.new("RGB", (80, 60), (200, 30, 30))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a model and a processor as the hub has them."""
    folder = tmp_path_factory.mktemp("grounding-dino")
    for part in tiny_grounding_dino():
        part.save_pretrained(folder)
    return folder


def test_every_tag_has_its_best_boxes(weights):
    loaded = load_grounding_dino(str(weights))
    detector = GroundingDinoDetector(loaded._model, loaded._processor, "tiny", score_over=0.0, most=3)
    tags = ["dog", "Pine tree", "cat"] * 3 + ["dog"]
    found = detector.regions(PICTURE, tags)
    assert [len(boxes) for boxes in found] == [3] * 10
    assert all(0 <= low <= high <= 1 for boxes in found for left, top, right, bottom in boxes
               for low, high in ((left, right), (top, bottom)))  # fmt: skip
    processor, model = loaded._processor, loaded._model
    inputs = processor(images=PICTURE, text="dog.", return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
    scores = outputs.logits[0].sigmoid().amax(dim=-1)
    x, y, width, height = outputs.pred_boxes[0, scores.argmax()].tolist()
    expected = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    assert found[-1][0] == pytest.approx(tuple(min(max(edge, 0), 1) for edge in expected), abs=1e-4)


def test_a_tag_without_a_box_has_no_region(weights):
    loaded = load_grounding_dino(str(weights))
    assert GroundingDinoDetector(loaded._model, loaded._processor, "tiny", 1.0).regions(PICTURE, ["dog"]) == [()]


def test_missing_weights_get_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DownloadError, match="empty cannot be loaded .*: use --detector attention$"):
        load_grounding_dino(str(tmp_path / "empty"))
