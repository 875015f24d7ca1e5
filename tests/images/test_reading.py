"""Worker processes read ahead: what comes out is what one process would have given, faults in their places."""

import threading

import numpy as np
import pytest
import torch
from PIL import Image

from ram.errors import ImageError
from ram.images.opening import EvalTransform, open_image
from ram.images.reading import read_pixels, several_at_once, worker_count
from tests.tiny import tiny_tagger

TRANSFORM = EvalTransform(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize("workers", [0, 2])
def test_pixels_come_in_order_and_faults_stay_in_their_places(tmp_path, workers):
    paths = [tmp_path / f"{i}.png" for i in range(7)]
    for i, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    paths[3].write_bytes(b"no picture")
    found = list(read_pixels(paths, TRANSFORM, workers))
    assert isinstance(found[3], ImageError) and str(found[3]).startswith("3.png cannot be read as a picture")
    for i in (0, 1, 2, 4, 5, 6):
        assert torch.equal(found[i], TRANSFORM(open_image(paths[i])))


def test_nobody_draws_from_the_random_numbers_of_others(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    before = torch.get_rng_state()
    list(read_pixels([tmp_path / "a.png"], TRANSFORM, 0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "pictures, cores, workers", [(1, 8, 0), (7, 2, 0), (8, 2, 1), (100, 2, 2), (17, 8, 2), (99, 1, 0)]
)
def test_few_pictures_and_a_single_core_need_no_workers(pictures, cores, workers):
    assert worker_count(pictures, cores) == workers


def test_several_are_worked_at_once_and_results_keep_their_order():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        both = threading.Barrier(2, timeout=20)  # passed only by two at the same time

        def work(item):
            both.wait()
            return item * 10, torch.get_num_threads()

        results = several_at_once(work, range(6), 2)
        assert next(results) == (0, 2) and torch.get_num_threads() == 2
        assert list(results) == [(item * 10, 2) for item in range(1, 6)]
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_no_more_is_taken_than_is_worked_on_and_a_fault_ends_it():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    def work(item):
        if item == 3:
            raise ValueError("broken")
        return item

    before = torch.get_num_threads()
    results = several_at_once(work, items(), 2)
    assert next(results) == 0 and len(taken) == 3
    with pytest.raises(ValueError, match="broken"):
        list(results)
    assert len(taken) < 8 and torch.get_num_threads() == before


def test_a_tagger_sees_the_same_in_pictures_that_are_looked_at_side_by_side(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    paths[4].write_bytes(b"no picture")
    tagger, before = tiny_tagger(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        alone, beside = (list(tagger.look_through(paths, workers)) for workers in (0, 2))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(alone, beside, strict=True):
        if isinstance(one, ImageError):
            assert str(one) == str(other)
        else:
            torch.testing.assert_close(one.tokens, other.tokens)
    assert sum(isinstance(found, ImageError) for found in beside) == 1
