"""The detector that teaches: its graph computed with torch, its classes as tags of the label system."""

import base64
import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import detections
from benchmarks.detections import CLASSES, GREY, OUTPUTS, best, look, probable, save, view
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


def test_only_what_the_outputs_need_is_computed(graph):
    graph.write_text(graph.read_text().replace("Sigmoid", "Softsign"))  # not known, and not asked for
    (pooled,) = GraphModel(graph, torch.bfloat16)(torch.arange(16.0).view(1, 1, 4, 4), ["pool:0"])
    assert pooled.dtype == torch.bfloat16
    assert float(pooled) == 15


def test_a_fused_convolution_adds_its_bias_and_sides_are_doubled(tmp_path):
    nodes = [
        {"op": "Placeholder", "name": "image"},
        {
            "op": "_FusedConv2D",
            "name": "conv",
            "input": ["image", "weight", "bias"],
            "attr": {"strides": sides(1, 1, 1, 1), **SAME},
        },
        {"op": "ResizeNearestNeighbor", "name": "twice", "input": ["conv", "size"]},
        {"op": "Mul", "name": "product", "input": ["twice", "twice"]},
    ]
    weights = [
        {"name": "weight", "shape": [1, 1, 1, 1], "dtype": "float32"},
        {"name": "bias", "shape": [1], "dtype": "float32"},
        {"name": "size", "shape": [2], "dtype": "int32"},
    ]
    (tmp_path / "model.bin").write_bytes(np.array([2, 1], np.float32).tobytes() + np.array([2, 4], np.int32).tobytes())
    manifest = [{"paths": ["model.bin"], "weights": weights}]
    document = {"modelTopology": {"node": nodes}, "weightsManifest": manifest}
    (tmp_path / "model.json").write_text(json.dumps(document))
    (product,) = GraphModel(tmp_path / "model.json")(torch.tensor([[[[1.0], [2.0]]]]), ["product"])
    assert product[0, :, :, 0].tolist() == [[9, 9, 25, 25], [9, 9, 25, 25]]


def test_a_view_is_the_image_in_grey(tmp_path):
    image = Image.new("RGB", (100, 50), "white")
    image.putpixel((0, 25), (255, 0, 0))
    seen, mirrored = view(image, 100, False), view(image, 100, True)
    assert seen.shape == (1, 64, 128, 3)
    assert seen[0, 0, 0].tolist() == pytest.approx([GREY] * 3)
    assert seen[0, 32, 14].tolist() == [1, 0, 0]
    assert torch.equal(mirrored, seen.flip(2))


def test_the_best_box_counts_by_object_and_class():
    logits = torch.full((2, 85), -20.0)
    logits[0, 4], logits[0, 5] = 20, 0  # an object for sure, a person by half
    logits[1, 4], logits[1, 5] = 0, 0
    assert float(best(logits)[0]) == pytest.approx(0.5)
    assert float(best(logits)[1:].max()) < 1e-6


def test_images_of_all_sizes_keep_their_places(tmp_path, monkeypatch):
    """The graph of this test sees how red the middle of an image is."""

    class Red:
        def __init__(self, *_):
            self.batches = []

        def __call__(self, images, outputs):
            assert outputs == OUTPUTS
            self.batches.append(len(images))
            red = images[:, images.shape[1] // 2, images.shape[2] // 2, 0]
            logits = torch.full((len(images), 1, 1, 85), 20.0)
            logits[..., 5] = red.logit(1e-4).view(-1, 1, 1)
            return [logits - 40, logits, logits - 40]

    monkeypatch.setattr(detections, "GraphModel", Red)
    paths = []
    for at in range(20):
        paths.append(tmp_path / f"{at}.png")
        Image.new("RGB", (40, 40) if at % 3 else (60, 30), (10 * at + 20, 0, 0)).save(paths[-1])
    found = look(paths, tmp_path)
    assert found[:, 0].tolist() == pytest.approx([(10 * at + 20) / 255 for at in range(20)], abs=1e-5)


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
