"""Cached patches are what the backbone would see, and a cache is whole or absent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ram.errors import ImageError
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform, TrainTransform
from ram.training.data.patch_cache import PatchCache
from ram.training.data.views import PixelSource, cached_patches, transforms
from tests.tiny import tiny_model
from tests.toy_run import draw, toy_model

SIZE, HALF = 8, (0.5, 0.5, 0.5)
TRANSFORMS = EvalTransform(SIZE, HALF, HALF), TrainTransform(SIZE, HALF, HALF)


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for i, (path, colour) in enumerate(zip(paths, ("red", "green", "blue", "white", "black"), strict=True)):
        draw(colour, "yellow", i).save(path)
    return paths


@pytest.fixture
def encoder():
    model = tiny_model(toy_model())
    return model.image_encoder


def pixels_as_patches(pixels):
    """(n, 3, 8, 8) to (n, 64, 3): what goes in comes out."""
    return pixels.flatten(2).transpose(1, 2)


def fill(path, pictures, encode=pixels_as_patches, views=2, progress=lambda done, total: None):
    return PatchCache.fill(path, pictures, encode, TRANSFORMS, views, progress, batch=2)


def no_encoder(pixels):
    raise AssertionError("the backbone ran")


def test_view_0_is_the_backbone_run_directly(tmp_path, pictures, encoder):
    image = toy_model().image
    source = cached_patches(tmp_path / "p.npy", pictures, image, encoder, 3, lambda *_: None)
    pixels = torch.stack([EvalTransform(64, image.mean, image.std)(open_image(p)) for p in pictures])
    with torch.inference_mode():
        patches = encoder.patches(pixels)
        looked = source.look_plainly(encoder, torch.tensor([4, 0, 2])).tokens
    assert source.cache.shape == (3, *patches.shape)
    cached = source.cache.batch(torch.arange(5), torch.zeros(5, dtype=torch.long))
    assert (cached - patches).norm() < 0.05 * patches.norm()  # the cache is made in bfloat16
    assert (cached - patches.roll(1, 0)).norm() > 0.5 * patches.norm()  # of another picture
    assert torch.equal(looked, encoder.embed(cached[[4, 0, 2]]).tokens)


def test_further_views_are_crops_that_differ_by_picture_and_view(tmp_path, pictures):
    cache = fill(tmp_path / "p.npy", pictures, views=3)
    stored = cache.batch(torch.arange(5).repeat(3), torch.arange(3).repeat_interleave(5)).unflatten(0, (3, 5))
    plain = torch.stack([pixels_as_patches(TRANSFORMS[0](open_image(p))[None])[0] for p in pictures])
    torch.testing.assert_close(stored[0], plain, atol=1e-3, rtol=1e-3)
    assert all((stored[a, i] - stored[b, i]).abs().max() > 0.05 for i in range(5) for a, b in [(0, 1), (0, 2), (1, 2)])
    again = fill(tmp_path / "again.npy", pictures, views=3)
    assert torch.equal(again.batch(torch.arange(5), torch.full((5,), 2)), stored[2])


def test_an_opened_cache_does_not_run_the_backbone(tmp_path, pictures):
    first = fill(tmp_path / "p.npy", pictures)
    second = fill(tmp_path / "p.npy", pictures, no_encoder)
    ids, views = torch.tensor([3, 1]), torch.tensor([1, 0])
    assert torch.equal(first.batch(ids, views), second.batch(ids, views))


@pytest.mark.parametrize("stop", [1, 4])
def test_an_interrupted_fill_leaves_nothing_under_the_final_name(tmp_path, pictures, stop):
    calls = []

    def encode(pixels):
        calls.append(len(pixels))
        if len(calls) == stop:
            raise KeyboardInterrupt
        return pixels_as_patches(pixels)

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "p.npy", pictures, encode)
    assert not (tmp_path / "p.npy").exists()
    whole, fresh = fill(tmp_path / "p.npy", pictures), fill(tmp_path / "fresh.npy", pictures)
    assert (tmp_path / "p.npy").read_bytes() == (tmp_path / "fresh.npy").read_bytes()
    assert whole.shape == fresh.shape


def test_a_cache_of_other_pictures_or_views_is_refused(tmp_path, pictures):
    fill(tmp_path / "p.npy", pictures)
    for fewer, views in ((pictures[:4], 2), (pictures, 3)):
        with pytest.raises(ValueError, match=rf"p\.npy holds 2 views of 5 pictures, not {views} of {len(fewer)}"):
            fill(tmp_path / "p.npy", fewer, no_encoder, views)


def test_of_two_runs_that_share_a_cache_one_makes_it(tmp_path, pictures):
    began, ran = threading.Event(), []

    def encode(pixels):
        ran.append(len(pixels))
        began.set()
        return pixels_as_patches(pixels)

    with ThreadPoolExecutor(2) as runs:
        first = runs.submit(fill, tmp_path / "p.npy", pictures, encode)
        assert began.wait(60)
        second = runs.submit(fill, tmp_path / "p.npy", pictures, encode)
        assert first.result().shape == second.result().shape and sum(ran) == 10


def test_progress_counts_every_view_of_every_picture(tmp_path, pictures):
    told = []
    fill(tmp_path / "p.npy", pictures, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 10) for done in (2, 4, 5, 7, 9, 10)]


def test_statistics_are_those_of_the_plain_view_alone(tmp_path, pictures):
    cache = fill(tmp_path / "p.npy", pictures, views=2)
    plain = np.load(tmp_path / "p.npy")[0].astype(np.float64).reshape(-1, 3)
    mean, std = cache.statistics()
    np.testing.assert_allclose(mean, plain.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(std, plain.std(0), rtol=1e-5)


def test_views_are_drawn_evenly_and_repeat_with_the_seeds(tmp_path, pictures):
    class Asked:
        """An encoder that gives back which picture and view it was shown."""

        device = torch.device("cpu")

        def embed(self, patches):
            return patches

    image = toy_model().image
    source = cached_patches(tmp_path / "p.npy", pictures, image, tiny_model(toy_model()).image_encoder, 3, lambda *_: 0)
    ids = torch.arange(5).repeat(60)
    seeds = torch.randint(2**62, (300,), generator=torch.Generator().manual_seed(1))
    first, again = (source.look(Asked(), view) for view in source.views([(ids, seeds)] * 2))
    assert torch.equal(first, again)
    counts = [
        int((first == source.cache.batch(ids, torch.full_like(ids, view))).flatten(1).all(1).sum()) for view in range(3)
    ]
    assert sum(counts) == 300 and min(counts) > 70


def test_pixels_are_cropped_for_training_and_whole_otherwise(pictures, encoder):
    source = PixelSource(pictures, toy_model().image)
    ids, seeds = torch.tensor([1, 3]), torch.tensor([2**61, 7])
    with torch.inference_mode():
        asked = [(ids, seeds), (ids, seeds + 1), (ids[1:], seeds[1:])]
        first, second, alone = (source.look(encoder, view).tokens for view in source.views(asked))
        plain = source.look_plainly(encoder, ids).tokens
        evaluation, _ = transforms(toy_model().image)
        wanted = encoder(torch.stack([evaluation(open_image(pictures[i])) for i in (1, 3)])).tokens
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close(alone, first[1:])  # each crop depends on its own seed alone
    assert torch.equal(plain, wanted)


@pytest.mark.parametrize("seen", [(0, 2, 4), (0, 1, 2, 3, 4)])
def test_statistics_of_pixels_are_those_of_a_sample_seen_plainly(pictures, encoder, seen):
    source = PixelSource(pictures, toy_model().image)
    evaluation, _ = transforms(toy_model().image)
    mean, std = source.statistics(encoder, sample=len(seen))
    with torch.no_grad():
        patches = encoder.patches(torch.stack([evaluation(open_image(pictures[i])) for i in seen]))
    torch.testing.assert_close(mean, patches.flatten(0, 1).mean(0))
    torch.testing.assert_close(std, patches.flatten(0, 1).std(0, correction=0), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("workers", [0, 2])
def test_views_are_the_same_however_many_workers_read_ahead(pictures, workers):
    image = toy_model().image
    requests = [(torch.tensor([i, 4 - i]), torch.tensor([2**61 + i, i])) for i in range(5)]
    views = list(PixelSource(pictures, image, workers).views(requests))
    assert len(views) == 5 and all(view.teacher_pixels is None for view in views)
    _, training = transforms(image)
    for view, (ids, seeds) in zip(views, requests, strict=True):
        for pixels, i, seed in zip(view.seen, ids.tolist(), seeds.tolist(), strict=True):
            wanted = training(open_image(pictures[i]), torch.Generator().manual_seed(seed))
            assert torch.equal(pixels, wanted)


def test_reading_ahead_takes_few_requests_and_no_random_state(pictures):
    asked = []

    def requests():
        for i in range(1000):
            asked.append(i)
            yield torch.tensor([i % 5]), torch.tensor([i])

    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    views = PixelSource(pictures, toy_model().image, workers=1).views(requests())
    next(views)
    assert 1 <= len(asked) < 10
    views.close()
    assert torch.equal(torch.rand(1), wanted)


def test_the_teacher_sees_the_crop_that_the_model_sees(pictures):
    image = toy_model().image
    _, training = transforms(image)
    half = (0.5, 0.5, 0.5)
    other = TrainTransform(32, half, half, image.interpolation)
    (view,) = PixelSource(pictures, image, teacher=other).views([(torch.arange(3), torch.tensor([5, 6, 7]))])
    assert view.teacher_pixels.shape == (3, 3, 32, 32)
    mean, std = torch.tensor(image.mean)[:, None, None], torch.tensor(image.std)[:, None, None]
    small = torch.nn.functional.avg_pool2d(view.seen * std + mean, 2)
    same = (view.teacher_pixels * 0.5 + 0.5 - small).abs().mean()
    others = (view.teacher_pixels.roll(1, 0) * 0.5 + 0.5 - small).abs().mean()
    assert same < 0.03 < others


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_breaks_during_a_run_is_named(pictures, workers):
    source = PixelSource(pictures, toy_model().image, workers)
    pictures[2].write_bytes(b"gone")
    with pytest.raises(ImageError, match=r"^2\.png .*; it could be read when the run began$"):
        list(source.views([(torch.tensor([0, 2]), torch.tensor([0, 0]))]))
