"""What measures the tables at lite scale: cached features, rates by method, distributions, describers."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.lite import __main__ as lite
from benchmarks.lite import captioning, describers
from benchmarks.lite.describers import class_photos, describer_rows, read_folded
from benchmarks.lite.distributions import distribution_rows
from benchmarks.lite.looks import cached_looks, parts
from benchmarks.lite.retrieval import one_caption_each, retrieval_rows
from benchmarks.lite.scoring import score_looks
from benchmarks.lite.sets import LiteSet, flickr_split, load_set
from benchmarks.lite.tagging import set_rows, tagging_rows, word_rows
from benchmarks.tables.result_files import read_results, write_results
from ram.describers.local.server import Completion
from ram.errors import InputError, MissingPackageError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.retrieval import CaptionedPictures
from ram.labels.label_system import LabelSystem
from ram.models.image_encoder import ImageFeatures
from ram.runtime import quiet
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.tiny import tiny_tagger


@pytest.fixture
def photos(tmp_path):
    """Three pictures of noise."""
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for path, pixels in zip(paths, np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3), np.uint8), strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def made_up(tags=("dog", "cat"), targets=((1, 0), (0, 1), (1, 1))):
    from pathlib import Path

    files = tuple(Path(f"{n}.png") for n in range(len(targets)))
    return LiteSet("Made up", "made-up", Benchmark("made-up", tags, files, np.array(targets, dtype=bool)))


def test_the_encoder_looks_once_and_scores_stay_equal(photos, tmp_path, monkeypatch):
    tagger = tiny_tagger()
    looks = cached_looks(tmp_path / "cache" / "looks.npz", tagger, photos)
    monkeypatch.setattr(type(tagger), "look_at_pixels", lambda *_: pytest.fail("it looked again"))
    again = cached_looks(tmp_path / "cache" / "looks.npz", tagger, photos)
    assert all(torch.equal(parts(looks)[name], part) for name, part in parts(again).items())
    assert score_looks(tagger, again, tagger.bank).shape == (3, len(tagger.bank))
    with pytest.raises(InputError, match="features of other images"):
        cached_looks(tmp_path / "cache" / "looks.npz", tagger, photos[:2])
    with torch.no_grad():
        next(tagger.model.image_encoder.parameters()).add_(1)
    with pytest.raises(InputError, match="features of other weights"):
        cached_looks(tmp_path / "cache" / "looks.npz", tagger, photos)


def test_rates_are_in_percent_and_what_cannot_be_scored_is_left_out():
    sets = {"common": made_up()}
    perfect = sets["common"].benchmark.targets.astype(np.float32)
    rows = tagging_rows({"all": lambda _: (perfect, np.full(2, 0.5)), "none": lambda _: None}, sets)
    assert rows["none"] == {}
    assert {rows["all"][f"common {name}"] for name in ("mAP", "CP", "OR", "tuned CF1")} == {100.0}


def test_sets_are_counted():
    sets = {"common": made_up()}
    assert set_rows(sets)["common"] == {"images": 3, "categories": 2, "positives": pytest.approx(4 / 3)}
    assert word_rows(sets)["common"] == {"dog": 2, "cat": 2}


def test_distributions_sum_to_one_and_small_scores_are_spread():
    scores = np.array([[0.95, 0.05], [0.15, 0.85], [0.55, 0.99]], np.float32)
    sources = {"a": lambda _: (scores, None), "b": lambda _: (scores / 10, None)}
    rows = distribution_rows(sources, {"common": made_up()})
    assert rows["a, common"]["upper"] == 1 and rows["b, common"]["upper"] == 0.1
    assert rows["a, common"]["positive"] == [0, 0, 0, 0, 0, 0.25, 0, 0, 0.25, 0.5] == rows["b, common"]["positive"]
    assert rows["a, common"]["negative"][:2] == [0.5, 0.5]


def test_retrieval_finds_the_photo_whose_pooled_token_is_the_caption(photos, hash_encoder):
    tagger = tiny_tagger()
    captioned = CaptionedPictures("made-up", tuple(photos), (("one",), ("two", "a pair"), ("three",)))
    texts = tagger.text_encoder.encode(["one", "two", "three"])
    looks = tagger.look_at_pixels(torch.stack([tagger.transform(Image.open(photo)) for photo in photos]))
    looks = ImageFeatures(torch.cat([texts[:, None], looks.tokens[:, 1:]], dim=1))
    rows = retrieval_rows(tagger, looks, one_caption_each(captioned, seed=1), ("decoder", "pooled"))
    assert set(rows) == {"decoder", "pooled"} and rows["decoder"]["R@5"] == 100
    assert rows["pooled"]["R@1"] >= 100 * 2 / 3 and rows["pooled"]["ms a query"] >= 0
    assert rows["decoder"]["photo to text R@5"] == 100 and rows["pooled"]["photo to text R@1"] >= 100 * 2 / 3


@pytest.fixture
def data(tmp_path):
    """A data folder with two broad photos and one of Flickr8k."""
    for name in ("broad/1.png", "broad/2.png", "flickr8k/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    entries = [
        {"image": "1.png", "source": "imagenet_samples", "tags": ["Dog"]},
        {"image": "2.png", "source": "imagenet_samples", "tags": ["cat", "animal"]},
        {"image": "2.png", "source": "other", "tags": ["dog"]},
    ]
    (tmp_path / "broad" / "photos.json").write_text(json.dumps(entries))
    boxes = [{"image": "1.png", "boxes": [{"tag": "dog"}, {"tag": "dog"}]}, {"image": "2.png", "boxes": []}]
    (tmp_path / "broad" / "boxes.json").write_text(json.dumps(boxes))
    triplets = [{"image_path": "3.png", "caption": ["x"], "union_label_id": [1], "parse_label_id": [[1]]}]
    (tmp_path / "flickr8k_train.json").write_text(json.dumps(triplets))
    (tmp_path / "labels").mkdir()
    LabelSystem(TagVocabulary.of(["cat", "dog"]), {}).save(tmp_path / "labels")
    return tmp_path


def test_sets_are_read_from_boxes_and_triplets(data):
    coco = load_set("coco128", data).benchmark
    assert coco.tags == ("dog",) and coco.targets.tolist() == [[True], [False]]
    train = flickr_split(data, "train", ("Dog", "horse"))
    assert train.targets.tolist() == [[True, False]] and train.pictures[0].name == "3.png"


def test_a_describer_is_asked_for_the_classes_that_it_describes(data, tmp_path, hash_encoder):
    (tmp_path / "file.json").write_text(json.dumps([{"Dog": ["a barking animal"]}, {"Cat": ["it purrs"]}]))
    described = read_folded(tmp_path / "file.json")
    benchmark = class_photos(data, described, all_photos=True)
    assert benchmark.tags == ("cat", "dog") and benchmark.targets.tolist() == [[False, True], [True, False]]
    tagger = tiny_tagger()
    looks = cached_looks(tmp_path / "looks.npz", tagger, benchmark.pictures)
    rows = describer_rows(tagger, looks, benchmark, {"file": described})
    assert set(rows) == {"file", "lexicon", "template"} and rows["file"]["sentences"] == 2
    assert all(0 < row["re-weighted"] <= 100 for row in rows.values())
    with pytest.raises(InputError, match="is not described"):
        describer_rows(tagger, looks, benchmark, {"other": TagDescriptions({"dog": ["x"]})})


@pytest.fixture
def lab(photos, monkeypatch, tmp_path, hash_encoder):
    """A lab over three made-up photos and tiny models."""
    sets = {"common": LiteSet("Made up", "made-up", Benchmark("made-up", ("dog", "cat"), tuple(photos), TARGETS))}
    monkeypatch.setattr(lite, "load_set", lambda name, data: sets[name])
    monkeypatch.setattr(lite, "load", lambda name, device: tiny_tagger(1 if name == "ram-lite" else None))
    return lambda **changes: lite.Lab(tmp_path, tmp_path / "cache", ["common"], quiet, **changes)


TARGETS = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)


def test_a_lab_scores_a_set_by_each_model_and_prompt(lab, tmp_path):
    one = lab(methods=["ram-lite, hand-written", "ram-plus-lite, descriptions"])
    assert list(one.sources) == ["ram-plus-lite, descriptions", "ram-lite, hand-written"]
    for method, source in one.sources.items():
        scores, thresholds = source(one.sets["common"])
        assert scores.shape == (3, 2) and len(thresholds) == 2, method
    tagger = one.taggers["ram-plus-lite"]
    expected = [tagger.tag(path)["dog"].probability for path in one.sets["common"].benchmark.pictures]
    assert one.sources["ram-plus-lite, descriptions"](one.sets["common"])[0][:, 0] == pytest.approx(expected, abs=1e-5)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        "ram-lite-made-up.npz",
        "ram-plus-lite-made-up.npz",
    ]


def test_a_lab_refuses_an_unknown_method(lab):
    with pytest.raises(InputError, match="there is no method 'CLIP': choose from class names, linear probe, ram-plus"):
        lab(methods=["CLIP"]).sources  # noqa: B018


def test_rows_that_were_not_asked_for_stay_in_the_file(lab, tmp_path, monkeypatch):
    pooled = lambda name, lab, files, most: ({f"{lab.models[0]}, pooled": {"R@1": 2.0}}, "a")  # noqa: E731
    monkeypatch.setattr(lite, "measure", pooled)
    write_results("retrieval", "c", "a", {"ram-lite, pooled": {"R@1": 1.0}}, tmp_path)
    retrieval = [str(tmp_path), "--only", "retrieval", "--sets", "common", "--output", str(tmp_path)]
    assert lite.main([*retrieval, "--models", "ram-plus-lite"]) == 0
    assert set(read_results("retrieval", tmp_path).rows) == {"ram-lite, pooled", "ram-plus-lite, pooled"}
    assert lite.main(retrieval) == 0
    assert set(read_results("retrieval", tmp_path).rows) == {"ram-plus-lite, pooled"}


def test_the_local_model_describes_each_tag_once(data, tmp_path, hash_encoder, monkeypatch):
    model = Parrot()
    monkeypatch.setattr(describers, "is_available", lambda: True)
    monkeypatch.setattr("ram.describers.local.server.shared_server", lambda weights: model)
    monkeypatch.setattr(describers, "encode_sentences", None)
    described = TagDescriptions({"dog": ["it barks"], "cat": ["it purrs"]})
    benchmark = class_photos(data, described, all_photos=True)
    tagger = tiny_tagger()
    looks = cached_looks(tmp_path / "looks.npz", tagger, benchmark.pictures)
    asked = {"describers": ("local",), "kept": tmp_path / "kept"}
    rows = describer_rows(tagger, looks, benchmark, {"file": described}, **asked)
    assert set(rows) == {"file", "local"} and rows["local"]["sentences"] > 2
    calls = model.calls
    assert calls and describer_rows(tagger, looks, benchmark, {"file": described}, **asked) == rows
    assert model.calls == calls, "it was asked again"
    assert "tags by the lexicon" not in rows["local"]
    monkeypatch.setattr(describers, "is_available", lambda: False)
    with pytest.raises(MissingPackageError, match="pip install"):
        describer_rows(tagger, looks, benchmark, {"file": described}, **asked)


class Parrot:
    """A language model that finishes every sentence in the same few ways."""

    fingerprint = "parrot"

    def __init__(self):
        self.calls = 0

    def complete(self, prompt, *, tokens, temperature, seed):
        self.calls += 1
        return Completion(f" a small animal with {seed + 1} soft brown ears and legs", True)


@pytest.mark.parametrize("row", captioning.ROWS)
def test_each_case_of_captioning_is_a_recipe(row):
    recipe = captioning.recipe_of(row, seed=2)
    assert recipe.schedule.epochs == captioning.PASSES and recipe.schedule.seed == 2
    assert recipe.data.triplets == ("flickr8k_train.json",)
    assert ("captioning" in recipe.objectives) == (row != "tags alone")
    assert (recipe.model.text_encoder == "learned") == (row != "textual queries")


def test_captioning_writes_each_seed_and_repeats_no_run(tmp_path, monkeypatch, capsys):
    trained = []

    def train(recipe, data, folder, **_):
        trained.append(folder.name)
        (folder / "model").mkdir(parents=True)
        share = 0.1 * (recipe.schedule.seed + 1) + 0.01 * ("captioning" in recipe.objectives)
        lines = [{"step": 1}, *({"epoch": at, "dev_mAP": share if at == 3 else 0.0} for at in (1, 2, 3))]
        (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))

    monkeypatch.setattr(captioning, "train", train)
    (tmp_path / "runs" / "tags-alone-1").mkdir(parents=True)
    (tmp_path / "runs" / "tags-alone-1" / "log.jsonl").write_text('{"epoch": 1, "dev_mAP": 0.9}\n')  # was stopped
    command = [str(tmp_path), "--output", str(tmp_path / "runs"), "--seeds", "0", "1", "--results", str(tmp_path)]
    command += ["--rows", "with captions", "tags alone"]
    assert captioning.main(command) == 0 == captioning.main(command)
    assert trained == ["with-captions-0", "tags-alone-0", "with-captions-1", "tags-alone-1"]
    found = read_results("captioning", tmp_path)
    assert found.rows == {"with captions": {"dev": [11.0, 21.0]}, "tags alone": {"dev": [10.0, 20.0]}}
    assert found.command.startswith("python -m benchmarks.lite.captioning DATA --rows 'with captions' 'tags alone'")
