"""ADE20k: segmentations of made-up images."""

import numpy as np
import pytest
from PIL import Image

from ram.evaluation.benchmarks import evaluate


@pytest.fixture
def segment(root, draw):
    """Write an image with its segmentation."""

    def save(name, numbers, mode="L"):
        draw(f"images/validation/{name}.jpg")
        file = root / f"annotations/validation/{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.array(numbers, dtype=np.uint8)).convert(mode).save(file)

    return save


def test_every_class_with_a_pixel_is_present(segment, imported, positives):
    segment("ADE_val_00000001", [[0, 1, 1], [1, 3, 150]])
    segment("ADE_val_00000002", [[0, 0, 0], [0, 0, 0]])
    segment("ADE_val_00000003", [[41, 1, 1], [1, 1, 1]])
    benchmark = imported("ade20k-150")
    assert len(benchmark.tags) == 150
    assert list(positives(benchmark).values()) == [["wall", "sky", "flag"], [], ["wall", "stand"]]
    clean = imported("ade20k-clean-143")  # without "base", which is called "stand"
    assert len(clean.tags) == 143
    assert list(positives(clean).values()) == [["wall", "sky", "flag"], [], ["wall"]]
    scores = np.zeros((3, 143))
    scores[:, [clean.tags.index(tag) for tag in ("wall", "sky", "flag")]] = [
        [0.9, 0.1, 0.5],
        [0.8, 0.9, 0.7],
        [0.3, 0.2, 0.1],
    ]
    # wall at ranks 1 and 3, sky at 3, flag at 2
    assert evaluate(scores, clean).mean_average_precision() == pytest.approx(((1 + 2 / 3) / 2 + 1 / 3 + 1 / 2) / 3)


def test_faults_are_named(segment, imported, root):
    segment("ADE_val_00000001", [[151]])
    with pytest.raises(ValueError, match="ADE_val_00000001.png has the class 151, but there are 150"):
        imported("ade20k-150")
    segment("ADE_val_00000001", [[1]], "RGB")
    with pytest.raises(ValueError, match=r"ADE_val_00000001.png has colours \(RGB\), not class numbers"):
        imported("ade20k-150")
    segment("ADE_val_00000001", [[1] * 64] * 64)
    file = root / "annotations/validation/ADE_val_00000001.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ValueError, match="ADE_val_00000001.png is broken"):
        imported("ade20k-150")
    segment("ADE_val_00000001", [[1]])
    (root / "images/validation/ADE_val_00000001.jpg").rename(root / "images/validation/other.jpg")
    with pytest.raises(ValueError, match="1 of 1 pictures of ade20k-150 .* no picture ADE_val_00000001.jpg"):
        imported("ade20k-150")


@pytest.mark.parametrize("folder, ending", [("images", "jpg"), ("annotations", "png")])
def test_two_files_of_one_name_are_refused(folder, ending, segment, imported, root):
    segment("ADE_val_00000001", [[1]])
    first = root / folder / "validation" / f"ADE_val_00000001.{ending}"
    (first.parent / "again").mkdir()
    (first.parent / "again" / first.name).write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match=f"validation holds {first.name} twice, also in again: remove one of them"):
        imported("ade20k-150")
