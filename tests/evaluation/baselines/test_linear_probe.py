"""The linear probe against scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from PIL import Image

from ram.errors import InputError
from ram.evaluation.baselines.linear_probe import fit_probe, train_probe
from ram.evaluation.benchmarks import Benchmark


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(60, 5)).astype(np.float32)
    noisy = vectors + generator.normal(size=(60, 5))
    return torch.from_numpy(vectors), np.stack([noisy[:, 0] > 0.3, noisy[:, 1] + noisy[:, 2] > 1], axis=1)


def test_the_probe_equals_that_of_scikit_learn(data):
    linear = pytest.importorskip("sklearn.linear_model")
    vectors, targets = data
    probe = fit_probe(vectors, targets, decay=2.0)
    x = ((vectors - vectors.mean(0)) / vectors.std(0)).numpy().astype(np.float64)
    for tag in range(2):
        theirs = linear.LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(x, targets[:, tag])
        assert probe.weight[tag].numpy() == pytest.approx(theirs.coef_[0], abs=1e-3)
        assert float(probe.bias[tag]) == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_decisions_that_nobody_judged_teach_nothing(data):
    vectors, targets = data
    known = np.ones_like(targets)
    known[::3] = False
    wrong = targets.copy()
    wrong[::3] = ~wrong[::3]
    first, second = fit_probe(vectors, targets, known), fit_probe(vectors, wrong, known)
    assert torch.allclose(first.weight, second.weight, atol=1e-4)


def test_a_tag_without_a_positive_is_never_predicted(tmp_path):
    files = []
    for i in range(6):
        files.append(tmp_path / f"{i}.png")
        Image.new("RGB", (4, 4), (40 * i, 0, 0)).save(files[-1])
    benchmark = Benchmark("reds", ("bright",), tuple(files), np.array([[0], [0], [0], [1], [1], [1]], bool))

    def encode(picture):
        return torch.from_numpy(np.asarray(picture, dtype=np.float32).mean(axis=(0, 1)))

    tagger = train_probe(encode, benchmark, ["unseen", "bright"], decay=0.1)
    dark, bright = (tagger.score(Image.new("RGB", (4, 4), (red, 0, 0))) for red in (0, 200))
    assert max(dark[0], bright[0]) < 0.5 and dark[1] < 0.5 < bright[1]
    with pytest.raises(InputError, match="no tag to score occurs in reds"):
        train_probe(encode, benchmark, ["unseen"])
