"""Worker processes read ahead: what comes out is what one process would have given, faults in their places."""

import numpy as np
import pytest
import torch
from PIL import Image

from ram.image import EvalTransform, PictureError, open_picture
from ram.reading import read_pixels, worker_count

TRANSFORM = EvalTransform(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("workers", [0, 2])
def test_pixels_come_in_order_and_faults_stay_in_their_places(tmp_path, workers):
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for i, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    paths[3].write_bytes(b"no picture")
    found = list(read_pixels(paths, TRANSFORM, workers))
    assert isinstance(found[3], PictureError) and str(found[3]).startswith("3.png cannot be read as a picture")
    for i in (0, 1, 2, 4, 5, 6):
        assert torch.equal(found[i], TRANSFORM(open_picture(paths[i])))


def test_nobody_draws_from_the_random_numbers_of_others(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    before = torch.get_rng_state()
    list(read_pixels([tmp_path / "a.png"], TRANSFORM, 0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "pictures, cores, workers", [(1, 8, 0), (7, 2, 0), (8, 2, 1), (100, 2, 1), (17, 8, 2), (99, 1, 0)]
)
def test_few_pictures_need_no_workers_and_one_core_is_the_models(pictures, cores, workers):
    assert worker_count(pictures, cores) == workers
