"""What measures the tables at lite scale: cached features, rates by method, distributions, describers."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.lite.describers import class_photos, describer_rows, read_folded
from benchmarks.lite.distributions import distribution_rows
from benchmarks.lite.looks import cached_looks, parts
from benchmarks.lite.retrieval import one_caption_each, retrieval_rows
from benchmarks.lite.scoring import score_looks
from benchmarks.lite.sets import LiteSet, flickr_split, load_set
from benchmarks.lite.tagging import set_rows, tagging_rows, word_rows
from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.retrieval import CaptionedPictures
from ram.labels.label_system import LabelSystem
from ram.models.image_encoder import ImageFeatures
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
