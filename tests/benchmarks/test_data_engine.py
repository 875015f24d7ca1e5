"""The data engine at lite scale, on made-up features in which a tag is a direction."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks.data_engine import STAGES, Photos, Test, clean, generate, half_windows, run_engine
from benchmarks.lite.aligner import train_aligner
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.training.data_engine.region_cleaning import CleaningRules

Test.__test__ = False  # pytest takes it for a test
TAGS, CHANNELS, DIM, EPOCHS = 4, 12, 6, 200


@pytest.fixture(scope="module")
def made_up():
    """Photos whose patches show their tags; one caption names about half of them."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.eye(TAGS, CHANNELS) * 3
    every = torch.rand(240, TAGS, generator=generator) < 0.4
    shown = torch.rand(240, 16, TAGS, generator=generator) < 0.6
    patches = (every[:, None] & shown).float() @ directions + torch.randn(240, 16, CHANNELS, generator=generator) * 0.3
    one = every & (torch.rand(240, TAGS, generator=generator) < 0.5)
    captions = F.normalize(torch.randn(240, DIM, generator=generator), dim=-1)
    texts = DescriptionEmbeddings(torch.eye(TAGS, DIM)[:, None])
    quality = np.arange(240) % 4 == 0
    photos = Photos(patches, one.numpy(), every.numpy(), captions, quality)
    return photos, texts


def test_windows_are_the_nine_squares_of_four_patches():
    patches = torch.arange(16.0).reshape(1, 16, 1)
    found = half_windows(patches)[0, :, 0]
    assert found.tolist() == [2.5, 3.5, 4.5, 6.5, 7.5, 8.5, 10.5, 11.5, 12.5]


def test_the_aligner_learns_and_is_repeatable(made_up):
    photos, texts = made_up
    test = Test(photos.whole, photos.all, texts)
    models = [train_aligner(photos.whole, photos.all, texts, seed=3, epochs=EPOCHS) for _ in range(2)]
    assert test.measure(models[0]) == test.measure(models[1]) > 90
    before = models[0].project.weight.clone()
    train_aligner(photos.whole, photos.all, texts, seed=3, epochs=1, start=models[0])
    assert torch.equal(before, models[0].project.weight)


def test_generation_adds_missing_tags_and_keeps_the_given_ones(made_up):
    photos, texts = made_up
    model = train_aligner(photos.whole, photos.one, texts, seed=0, epochs=EPOCHS)
    generated, threshold = generate(model, photos, texts)
    assert (generated >= photos.one).all() and 0 < threshold < 1
    missing = photos.all & ~photos.one
    assert generated[missing].mean() > 0.6 > 0.3 > generated[~photos.all].mean()


def test_cleaning_strikes_out_wrong_tags_first(made_up):
    pytest.importorskip("sklearn")
    photos, texts = made_up
    model = train_aligner(photos.whole, photos.all, texts, seed=0, epochs=EPOCHS)
    wrong = np.zeros_like(photos.all)
    wrong[np.random.default_rng(0).random(wrong.shape) < 0.1] = True
    wrong &= ~photos.all
    cleaned = clean(model, photos, texts, photos.all | wrong, 0.5, CleaningRules(outlying=0, of_threshold=0.5))
    assert cleaned[photos.all].mean() > 0.8 > 0.5 > cleaned[wrong].mean()


def test_the_engine_reports_every_stage(made_up):
    pytest.importorskip("sklearn")
    photos, texts = made_up
    tests = {"common": Test(photos.whole, photos.all, texts)}
    rows = run_engine(photos, texts, tests, 0, True, CleaningRules())
    assert tuple(rows) == STAGES and all(set(row) == {"tags", "common"} for row in rows.values())
    assert rows["parsing"]["tags"] == photos.one.sum(axis=1).mean() < rows["generation"]["tags"]
    assert rows["cleaning"]["tags"] < rows["generation"]["tags"]
