"""Reading ahead gives what reading one by one gives, with faults in their places."""

import numpy as np
import pytest
import torch
from PIL import Image

from ram import looking_methods
from ram.errors import ImageError
from ram.images.opening import open_image
from ram.images.reading import read_ahead, read_batches, worker_count
from ram.images.transforms import EvalTransform
from tests.tiny import tiny_tagger

TRANSFORM = EvalTransform(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture
def images(tmp_path):
    """Nine image files, of which the fifth is broken."""
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    paths[4].write_bytes(b"no picture")
    return paths


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_keep_the_order_and_faults_their_places(images, workers):
    first, second, third = read_batches(images, TRANSFORM, 4, workers)
    assert [len(batch.faults) for batch in (first, second, third)] == [4, 4, 1]
    assert first.faults == (None,) * 4 and second.faults[1:] == (None,) * 3
    assert str(second.faults[0]).startswith("4.png cannot be read as a picture")
    expected = torch.stack([TRANSFORM(open_image(images[i])) for i in (0, 1, 2, 3, 5, 6, 7, 8)])
    assert torch.equal(torch.cat([first.pixels, second.pixels, third.pixels]), expected)


def test_a_batch_without_a_readable_image_has_no_pixels(images):
    (batch,) = read_batches(images[4:5], TRANSFORM, 4)
    assert len(batch.pixels) == 0 and len(batch.faults) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_the_global_random_state_is_left_alone(images, workers):
    before = torch.get_rng_state()
    list(read_batches(images, TRANSFORM, 4, workers))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "images, cores, workers", [(1, 8, 0), (7, 2, 0), (8, 2, 1), (100, 2, 2), (17, 8, 2), (99, 1, 0)]
)
def test_few_images_and_a_single_core_need_no_workers(images, cores, workers):
    assert worker_count(images, cores) == workers


def test_only_a_few_requests_are_taken_ahead():
    taken = []

    def requests():
        for request in range(100):
            taken.append(request)
            yield request

    results = read_ahead(str, requests())
    assert next(results) == "0" and len(taken) < 5
    results.close()
    assert len(taken) < 5


def test_an_error_ends_the_reading_in_its_place():
    def read(request):
        if request == 3:
            raise ValueError("broken")
        return request

    results = read_ahead(read, range(100))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(results)
    assert list(results) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_looks_of_many_images_equal_single_looks(images, workers):
    tagger = tiny_tagger()
    found = list(tagger.look_through(images, workers))
    assert isinstance(found.pop(4), ImageError)
    for features, image in zip(found, images[:4] + images[5:], strict=True):
        assert torch.equal(features.tokens, tagger.look(image).tokens)


@pytest.mark.parametrize("size", [1, 4])
def test_a_look_depends_on_no_other_image(images, size, monkeypatch):
    monkeypatch.setattr(looking_methods, "CPU_RUN", size)  # several, as on a GPU
    tagger = tiny_tagger()
    whole = [None if isinstance(look, ImageError) else look.tokens for look in tagger.look_through(images)]
    assert sum(look is None for look in whole) == 1, "of a batch that is not full"
    for start in range(1, len(images)):
        for look, expected in zip(tagger.look_through(images[start:]), whole[start:], strict=True):
            assert expected is None or torch.equal(look.tokens, expected)


def test_a_list_is_tagged_as_its_images_one_by_one(images):
    tagger = tiny_tagger()
    sound = [*images[:4], open_image(images[6])]
    for together, image in zip(tagger.tag(sound), sound, strict=True):
        np.testing.assert_allclose(together.probabilities, tagger.tag(image).probabilities, atol=1e-5)
    with pytest.raises(ImageError, match=r"^4\.png cannot be read"):
        tagger.tag(images)


@pytest.mark.parametrize("workers", [0, 2])
def test_looking_changes_no_thread_count_of_the_process(images, workers):
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        looks = tiny_tagger().look_through(images, workers)
        next(looks)
        while_suspended = torch.get_num_threads()
        looks.close()
        assert (while_suspended, torch.get_num_threads()) == (4, 4)
    finally:
        torch.set_num_threads(before)
