"""The data engine at lite scale, on made-up features in which a tag is a direction."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks import data_engine
from benchmarks.data_engine import Photos, Test, clean, generate, half_windows, run_engine
from benchmarks.data_engine_file import STAGES, KeptRuns, check_settings, write_engine
from benchmarks.lite.aligner import train_aligner
from benchmarks.lite.sets import LiteSet
from benchmarks.tables.result_files import read_results
from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
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


def test_rows_of_a_method_stay_when_another_is_measured(tmp_path):
    write_engine({"RAM, parsing": {"common": [1.0]}}, "About.", "engine --methods RAM", [], tmp_path)
    write_engine({"RAM++, parsing": {"common": [2.0]}}, "About.", "engine --methods RAM++", [], tmp_path)
    found = read_results("data_engine", tmp_path)
    assert {row: figures["common"] for row, figures in found.rows.items()} == {
        "RAM, parsing": [1.0],
        "RAM++, parsing": [2.0],
    }
    assert found.command == "engine --methods RAM; engine --methods RAM++"
    write_engine({"RAM, parsing": {"common": [3.0]}}, "Other settings.", "engine", [], tmp_path)
    assert list(read_results("data_engine", tmp_path).rows) == ["RAM, parsing"]


def test_rows_of_other_settings_are_not_mixed(tmp_path):
    check_settings("About.", ["RAM++"], tmp_path)
    write_engine({"RAM, parsing": {"common": [1.0]}}, "About.", "engine", [], tmp_path)
    check_settings("About.", ["RAM++"], tmp_path)
    check_settings("Other.", ["RAM", "RAM++"], tmp_path)
    with pytest.raises(InputError, match="holds RAM with other settings"):
        check_settings("Other.", ["RAM++"], tmp_path)


def test_runs_without_time_are_named_in_the_file(tmp_path):
    late = ["RAM++ with seed 1"]
    write_engine({"RAM, parsing": {"common": [1.0]}}, "About.", "engine", late, tmp_path)
    found = read_results("data_engine", tmp_path)
    assert found.more == {"not_run": late} and "No time for RAM++ with seed 1" in found.about
    check_settings("About.", ["RAM++"], tmp_path)


def test_a_run_is_found_again_with_the_same_settings_only(tmp_path):
    runs = KeptRuns(tmp_path / "cache" / "runs.jsonl")
    assert runs.find("RAM", 0, "6000 photos") is None
    runs.add("RAM", 0, "6000 photos", {"parsing": {"common": 1.0}})
    assert runs.find("RAM", 0, "6000 photos") == {"parsing": {"common": 1.0}}
    assert runs.find("RAM", 1, "6000 photos") is runs.find("RAM", 0, "2000 photos") is None


@pytest.fixture
def engine(made_up, tmp_path, monkeypatch):
    """The command on made-up photos; a list of what was run, and a clock that a run moves by ten minutes."""
    photos, texts = made_up
    ran, clock = [], [0.0]

    def run(photos, texts, tests, seed, learn_captions, rules):
        ran.append((learn_captions, seed))
        clock[0] += 600
        return {"parsing": {"tags": 2.0, "common": 10.0 + seed}}

    monkeypatch.setattr(data_engine, "read_photos", lambda data, count, cache, progress: (photos, ["a", "b"]))
    one = LiteSet("Made up", "made-up", Benchmark("made-up", ("a",), (tmp_path / "1.png",), np.ones((1, 1), bool)))
    monkeypatch.setattr(data_engine, "load_set", lambda name, data: one)
    monkeypatch.setattr(data_engine, "frozen_patches", lambda files, cache: torch.zeros(1, 16, CHANNELS))
    monkeypatch.setattr(data_engine, "load_model", lambda path: (None, None, None))
    monkeypatch.setattr(data_engine, "_texts", lambda bank, tags: texts)
    monkeypatch.setattr(data_engine, "run_engine", run)
    monkeypatch.setattr(data_engine.time, "monotonic", lambda: clock[0])
    folders = [str(tmp_path), "--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "results")]

    def command(*options):
        clock[0] = 0.0
        return data_engine.main([*folders, *options])

    return command, ran


def test_a_command_without_time_says_so_and_goes_on(engine, tmp_path, capsys):
    command, ran = engine
    assert command("--seeds", "0", "1", "--minutes", "15") == 0
    assert ran == [(False, 0), (True, 0)]
    late = ["RAM with seed 1", "RAM++ with seed 1"]
    assert f"no time in 15 minutes for {', '.join(late)}" in capsys.readouterr().err
    found = read_results("data_engine", tmp_path / "results")
    assert found.more["not_run"] == late
    assert found.command == "python -m benchmarks.data_engine DATA --seeds 0 1 --minutes 15"
    assert command("--seeds", "0", "1", "--minutes", "15") == 0
    assert ran[2:] == [(False, 1), (True, 1)]
    found = read_results("data_engine", tmp_path / "results")
    assert found.more["not_run"] == [] and found.rows["RAM, parsing"]["common"] == [10.0, 11.0]


def test_one_method_alone_leaves_the_others_rows(engine, tmp_path, capsys):
    command, _ = engine
    assert command("--methods", "RAM", "--seeds", "0") == 0 == command("--methods", "RAM++", "--seeds", "0")
    assert set(read_results("data_engine", tmp_path / "results").rows) == {"RAM, parsing", "RAM++, parsing"}
    assert command("--methods", "RAM++", "--of-threshold", "0.5") == 2
    assert "holds RAM with other settings" in capsys.readouterr().err
