"""HICO: a MATLAB file with all phrases and three made-up images."""

import builtins

import numpy as np
import pytest

from ram.errors import MissingPackageError
from ram.evaluation.benchmarks import evaluate
from ram.evaluation.importers.benchmark_table import BENCHMARKS
from ram.evaluation.importers.class_lists import read_classes

io = pytest.importorskip("scipy.io")
IMAGES = ("HICO_test2015_00000001.jpg", "HICO_test2015_00000002.jpg", "HICO_test2015_00000003.jpg")


@pytest.fixture
def write(root, draw):
    """Write ``anno.mat`` as HICO has it, in which everything but three entries is unknown."""

    def matlab(images=IMAGES, **changed):
        listed = BENCHMARKS["hico-600"].classes
        phrases = [one.key.split(" ") for one in read_classes(listed.file, listed.sha256)]
        fields = [("nname", object), ("vname", object), ("vname_ing", object)]
        actions = np.array([[(noun, verb, f"{verb}-ing")] for verb, noun in phrases], dtype=fields)
        annotations = np.full((600, len(images)), np.nan)
        annotations[[0, 0, 0], [0, 1, 2]] = 1, -1, 0
        annotations[[1, 1], [0, 1]] = 1, 1
        cells = np.empty((len(images), 1), dtype=object)
        cells[:, 0] = images
        content = {"list_action": actions, "list_test": cells, "anno_test": annotations, **changed}
        io.savemat(root / "anno.mat", content)
        draw(*(f"images/test2015/{image}" for image in IMAGES))

    return matlab


def test_phrases_marked_with_one_are_present(write, imported, positives):
    write()
    benchmark = imported("hico-600")
    assert len(benchmark.tags) == 600 and "person sit on chair" in benchmark.tags and benchmark.known is None
    board, direct = benchmark.tags[:2]
    assert (board, direct) == ("person board airplane", "person direct airplane")
    assert list(positives(benchmark).values()) == [[board, direct], [direct], []]
    scores = np.zeros((3, 600))
    scores[:, 0], scores[:, 1] = (0.5, 0.2, 0.9), (0.8, 0.1, 0.4)
    # board at rank 2; direct at ranks 1 and 3
    assert evaluate(scores, benchmark).mean_average_precision() == pytest.approx((1 / 2 + (1 + 2 / 3) / 2) / 2)


def test_faults_are_named(write, imported, root):
    write(images=[*IMAGES[:2], IMAGES[0]])
    with pytest.raises(ValueError, match=f"anno.mat holds {IMAGES[0]} twice"):
        imported("hico-600")
    write()
    (root / "images/test2015" / IMAGES[2]).unlink()
    with pytest.raises(ValueError, match=f"1 of 3 pictures of hico-600 .* no file {IMAGES[2]}"):
        imported("hico-600")
    swapped = np.array([[("chair", "eat")]] * 600, dtype=[("nname", object), ("vname", object)])
    write(list_action=swapped)
    with pytest.raises(ValueError, match='phrase 1 of anno.mat is "eat chair", not "board airplane" as in HICO'):
        imported("hico-600")
    write(anno_test=np.zeros((599, 3)))
    with pytest.raises(ValueError, match=r"anno.mat must hold .* but holds .*anno_test \(599, 3\)"):
        imported("hico-600")
    (root / "anno.mat").write_bytes(b"no MATLAB file" * 20)
    with pytest.raises(ValueError, match="anno.mat is not a MATLAB file of HICO"):
        imported("hico-600")


def test_without_scipy_the_extra_is_named(write, imported, monkeypatch):
    write()
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name.startswith("scipy"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fake)
    with pytest.raises(MissingPackageError, match=r"needs SciPy: pip install -e '\.\[benchmarks\]'"):
        imported("hico-600")
