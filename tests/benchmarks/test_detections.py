"""The detector that teaches: its graph computed with torch, its classes as tags of the label system."""

import base64
import json

import numpy as np
import pytest
import torch

from benchmarks.detections import CLASSES, probable, save
from benchmarks.tfjs_graph import GraphModel
from ram.errors import InputError
from ram.labels.label_system import LabelSystem
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.detected_tags import DetectedTags

SAME = {"padding": {"s": base64.b64encode(b"SAME").decode()}}


def sides(*values):
    return {"list": {"i": [str(value) for value in values]}}


@pytest.fixture
def graph(tmp_path):
    """A convolution of stride 2 over one channel, halved by a pooling and turned into probabilities."""
    nodes = [
        {"op": "Placeholder", "name": "image"},
        {"op": "Const", "name": "weight"},
        {"op": "Const", "name": "order"},
        {"op": "Transpose", "name": "last", "input": ["image", "order"]},
        {"op": "Conv2D", "name": "conv", "input": ["last", "weight"], "attr": {"strides": sides(1, 2, 2, 1), **SAME}},
        {
            "op": "MaxPool",
            "name": "pool",
            "input": ["conv"],
            "attr": {"ksize": sides(1, 2, 2, 1), "strides": sides(1, 2, 2, 1), **SAME},
        },
        {"op": "Sigmoid", "name": "score", "input": ["pool"]},
    ]
    weights = [
        {"name": "weight", "shape": [3, 3, 1, 1], "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "order", "shape": [4], "dtype": "int32"},
    ]
    kernel = np.zeros((3, 3, 1, 1), np.float16)
    kernel[1, 1] = 1
    (tmp_path / "model.bin").write_bytes(kernel.tobytes() + np.array([0, 2, 3, 1], np.int32).tobytes())
    document = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["model.bin"], "weights": weights}],
    }
    (tmp_path / "model.json").write_text(json.dumps(document))
    return tmp_path / "model.json"


def test_a_graph_is_computed_with_the_padding_of_tensorflow(graph):
    image = torch.arange(16.0).view(1, 1, 4, 4)
    (score,) = GraphModel(graph)(image, ["score"])
    assert score.shape == (1, 1, 1, 1)
    # "SAME" pads an even side at its end alone: the middles of the windows are 5, 7, 13 and 15
    assert float(score) == pytest.approx(torch.tensor(15.0).sigmoid().item())
    (conv,) = GraphModel(graph)(image, ["conv"])
    assert conv[0, :, :, 0].tolist() == [[5, 7], [13, 15]]


def test_weights_of_another_length_are_refused(graph):
    (graph.parent / "model.bin").write_bytes(bytes(100))
    with pytest.raises(InputError, match="100 bytes"):
        GraphModel(graph)


def test_an_unknown_operation_is_named(graph):
    graph.write_text(graph.read_text().replace("Sigmoid", "Softsign"))
    with pytest.raises(InputError, match="Softsign"):
        GraphModel(graph)(torch.zeros(1, 1, 4, 4), ["score"])


def test_classes_are_saved_as_tags_in_their_sense(tmp_path):
    (tmp_path / "labels").mkdir()
    tags = ["dog", "orange", "orange fruit", "television"]
    LabelSystem(TagVocabulary.of(tags), {"tv": "television"}).save(tmp_path / "labels")
    probabilities = np.arange(len(CLASSES))[None] / 100
    save(tmp_path, ["flickr8k/images/a.jpg"], probabilities)
    detected = DetectedTags.load(tmp_path / "detected.json")
    assert detected.tags == ("dog", "orange fruit", "television")
    expected = [CLASSES.index(name) / 100 for name in ("dog", "orange", "tv")]
    assert detected.probabilities[0].tolist() == pytest.approx(expected, abs=0.5 / 255)
    assert "animal" in detected.kinds["dog"]


def test_scores_become_probabilities_by_photos_that_are_labelled():
    rng = np.random.default_rng(0)
    there = rng.random((2, 3000, 2)) < 0.2
    scores = 1 / (1 + np.exp(-np.where(there, 1.0, -2.0) - rng.normal(0, 1, there.shape)))
    probabilities = probable(scores[0], scores[1], there[1])
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.9, 1.0)):
        inside = (probabilities >= low) & (probabilities <= high)
        assert there[0][inside].mean() == pytest.approx(probabilities[inside].mean(), abs=0.08)
