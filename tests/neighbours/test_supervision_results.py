import numpy as np
import pytest

from ram.errors import MissingPackageError
from ram.neighbours import needed
from ram.neighbours.supervision_results import classifications, detections
from ram.regions.region import Region

REGIONS = [Region("kite", 0.9, (0, 0, 0.5, 0.25)), Region("dog", 0.8, (0.5, 0.5, 1, 1))]


def test_a_missing_package_is_named(tagger, picture, monkeypatch):
    monkeypatch.setattr(needed, "import_module", lambda name: __import__(f"absent_{name}"))
    with pytest.raises(ModuleNotFoundError):  # the package itself lacks something: that is its own story
        classifications(tagger.tag(picture))

    def absent(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(needed, "import_module", absent)
    with pytest.raises(MissingPackageError, match="pip install supervision"):
        detections(REGIONS, (40, 20))


def test_classifications_are_the_tags_over_their_thresholds(tagger, picture):
    pytest.importorskip("supervision")
    prediction = tagger.tag(picture)
    found = classifications(prediction)
    assert [prediction.vocabulary.tags[i] for i in found.class_id] == prediction.tags
    assert found.confidence.tolist() == [np.float32(prediction[tag].probability) for tag in prediction.tags]
    top, _ = found.get_top_k(1)
    assert prediction.vocabulary.tags[top[0]] == prediction.top(1)[0].tag


def test_detections_are_boxes_in_pixels():
    supervision = pytest.importorskip("supervision")
    found = detections(REGIONS, (40, 20), ["dog", "kite"])
    assert found.xyxy.tolist() == [[0, 0, 20, 5], [20, 10, 40, 20]]
    assert found.class_id.tolist() == [1, 0] and found["class_name"].tolist() == ["kite", "dog"]
    drawn = supervision.BoxAnnotator().annotate(np.zeros((20, 40, 3), np.uint8), found)
    assert drawn.any()
    assert len(detections([], (40, 20))) == 0
