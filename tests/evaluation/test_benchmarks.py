"""Both forms of a benchmark are read faithfully, faults are named, and reports agree with the metrics."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ram.evaluation.benchmarks import Benchmark, evaluate, load_benchmark
from ram.evaluation.metrics import average_precisions, rates
from ram.text.vocabulary import TagVocabulary
from tests.paths import SHARED


def draw(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(path)


@pytest.fixture
def official(tmp_path):
    """Three pictures and four tags, one of them listed twice and one without a positive."""
    folder = tmp_path / "zoo_3"
    draw(folder / "imgs/a.1.jpg", folder / "imgs/b.png", folder / "imgs/more/c.jpg", folder / "imgs/unused.jpg")
    (folder / "zoo_3_taglist.txt").write_text("dog\nred cat\ndog\nlamp\n")
    (folder / "zoo_3_tagidlist.txt").write_text("1\n")
    (folder / "zoo_3_annots.txt").write_text("a.1,dog\r\nb.png,red cat , dog,\n\nmore/c\n")
    return folder


@pytest.fixture
def listing(tmp_path):
    draw(tmp_path / "images/1.jpg", tmp_path / "images/2.jpg")
    entries = [{"image": "images/1.jpg", "tags": ["tree", "dog"]}, {"image": "images/2.jpg", "tags": []}]
    (tmp_path / "park.json").write_text(json.dumps(entries))
    return tmp_path / "park.json"


def test_the_official_layout_is_read(official):
    benchmark = load_benchmark(official)
    assert benchmark.name == "zoo_3"
    assert benchmark.tags == ("dog", "red cat", "dog", "lamp")
    assert benchmark.pictures == tuple(official / "imgs" / name for name in ("a.1.jpg", "b.png", "more/c.jpg"))
    assert benchmark.targets.astype(int).tolist() == [[1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]


def test_pictures_may_be_elsewhere(official, listing, tmp_path):
    (official / "imgs").rename(tmp_path / "photos")
    assert load_benchmark(official, tmp_path / "photos").pictures[1] == tmp_path / "photos/b.png"
    draw(tmp_path / "other/images/1.jpg", tmp_path / "other/images/2.jpg")
    assert load_benchmark(listing, tmp_path / "other").pictures[0] == tmp_path / "other/images/1.jpg"
    with pytest.raises(ValueError, match="zoo_3 has no folder of pictures imgs: name it with --images"):
        load_benchmark(official)


def test_a_json_list_has_all_its_tags_or_the_listed_ones(listing):
    benchmark = load_benchmark(str(listing))
    assert (benchmark.name, benchmark.tags) == ("park", ("dog", "tree"))
    assert benchmark.pictures[0] == listing.parent / "images/1.jpg"
    assert benchmark.targets.tolist() == [[True, True], [False, False]]
    (listing.parent / "tags.txt").write_text("\ufefftree\n\nlake\ndog\n", encoding="utf-8")
    benchmark = load_benchmark(listing)
    assert benchmark.tags == ("tree", "lake", "dog")
    assert benchmark.targets.tolist() == [[True, False, True], [False, False, False]]


def test_triplets_are_read_in_the_ids_of_a_vocabulary(listing):
    vocabulary = TagVocabulary.of(["lake", "dog", "tree"])
    entries = [
        {"image_path": "images/1.jpg", "caption": ["A dog."], "union_label_id": [1, 2], "parse_label_id": [[1, 2]]},
        {"image_path": "images/2.jpg", "union_label_id": []},
    ]
    listing.write_text(json.dumps(entries))
    benchmark = load_benchmark(listing, vocabulary=vocabulary)
    assert benchmark.tags == ("dog", "tree") and benchmark.targets.tolist() == [[True, True], [False, False]]
    assert benchmark.pictures[1] == listing.parent / "images/2.jpg"
    for wrong, sentence in (
        ({"image_path": "images/1.jpg", "union_label_id": [3]}, "entry 3 of park.json has the tag id 3, .* 3 tags"),
        ({"image_path": "images/1.jpg", "union_label_id": ["dog"]}, "entry 3 of park.json is not"),
        ({"image_path": "images/1.jpg", "union_label_id": [True]}, "entry 3 of park.json is not"),
        (3, "entry 3 of park.json is not"),
    ):
        listing.write_text(json.dumps([*entries, wrong]))
        with pytest.raises(ValueError, match=sentence):
            load_benchmark(listing, vocabulary=vocabulary)


def test_an_unknown_tag_is_named_with_its_picture(official, listing):
    (official / "zoo_3_taglist.txt").write_text("dog\n")
    with pytest.raises(
        ValueError, match="zoo_3_annots.txt gives b.png the tag 'red cat', which is not in zoo_3_taglist"
    ):
        load_benchmark(official)
    (listing.parent / "tags.txt").write_text("tree")
    with pytest.raises(ValueError, match="park.json gives images/1.jpg the tag 'dog', which is not in tags.txt"):
        load_benchmark(listing)


def test_pictures_that_cannot_be_used_are_named(official, listing):
    (official / "imgs/b.png").write_text("no picture")
    (official / "imgs/a.1.jpg").unlink()
    with pytest.raises(
        ValueError, match="2 of 3 pictures of zoo_3 cannot be used: there is no picture a.1; b.png cannot"
    ):
        load_benchmark(official)
    entries = [{"image": f"images/gone{i}.jpg", "tags": []} for i in range(23)]
    listing.write_text(json.dumps(entries))
    with pytest.raises(
        ValueError, match=r"23 of 23 .* no file gone0.jpg: check the path; .* gone19.jpg: check the path; and 3 more$"
    ):
        load_benchmark(listing)


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"{", "park.json is not JSON"),
        (b"[" * 100_000, "park.json is not JSON"),
        (b"\xff\xff", "park.json is not UTF-8 text: line 1"),
        (b'{"image": "1.jpg", "tags": []}', "must be a list"),
        (b'[{"image": "images/1.jpg", "tags": []}, {"image": 2, "tags": []}]', "entry 2 of park.json"),
        (b'[{"image": "images/1.jpg", "tags": "dog"}]', "entry 1 of park.json"),
        (b'["images/1.jpg"]', "entry 1 of park.json"),
        (b'[{"image": "images/1.jpg", "tags": []}]', "1 pictures and 0 tags"),
        (b"[]", "0 pictures and 0 tags"),
    ],
)
def test_malformed_lists_get_a_sentence(listing, content, sentence):
    listing.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        load_benchmark(listing)


def test_missing_and_doubled_parts_get_a_sentence(official, tmp_path):
    with pytest.raises(ValueError, match="gone.json cannot be read: No such file"):
        load_benchmark(tmp_path / "gone.json")
    (official / "second_annots.txt").write_text("")
    with pytest.raises(ValueError, match="one file .*, but holds second_annots.txt, zoo_3_annots.txt"):
        load_benchmark(official)
    (official / "zoo_3_taglist.txt").unlink()
    with pytest.raises(ValueError, match=r"zoo_3 must hold one file \*_taglist.txt, but holds none"):
        load_benchmark(official)


def test_a_benchmark_is_checked_and_cannot_change():
    with pytest.raises(ValueError, match=r"1 pictures and 2 tags, but targets of shape \(1, 1\)"):
        Benchmark("x", ("a", "b"), (Path("1.jpg"),), np.array([[True]]))
    given = np.array([[True]])
    benchmark = Benchmark("x", ("a",), (Path("1.jpg"),), given)
    given[0, 0] = False
    assert benchmark.targets[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        benchmark.targets[0, 0] = False


def test_unknown_decisions_are_no_positives():
    pictures = (Path("1.jpg"), Path("2.jpg"))
    known = np.array([[True, False], [True, True]])
    benchmark = Benchmark("x", ("a", "b"), pictures, np.ones((2, 2), dtype=bool), known)
    report = evaluate(np.array([[0.9, 0.1], [0.8, 0.7]]), benchmark, tune="f1")
    assert report.positives.tolist() == [2, 1] and report.rates.CR == 1
    assert report.to_dict()["tuned"]["CF1"] == 1
    with pytest.raises(ValueError, match=r"benchmark x: known \(1, 2\) and targets \(2, 2\) differ"):
        Benchmark("x", ("a", "b"), pictures, np.ones((2, 2), dtype=bool), known[:1])


def test_a_report_is_the_metrics_as_json(official):
    benchmark = load_benchmark(official)
    scores = np.array([[0.9, 0.1, 0.2, 0.8], [0.4, 0.7, 0.3, 0.1], [0.5, 0.2, 0.6, 0.1]], dtype=np.float32)
    thresholds = np.array([0.3, 0.5, 0.5, 0.5])
    report = json.loads(json.dumps(evaluate(scores, benchmark, thresholds).to_dict(), allow_nan=False))
    expected = rates(scores, benchmark.targets, thresholds)
    assert report["mAP"] == pytest.approx(np.nanmean(average_precisions(scores, benchmark.targets)))
    for name in ("CP", "CR", "CF1", "OP", "OR", "OF1"):
        assert report[name] == getattr(expected, name)
    assert report["tags_without_positive"] == 1
    dog = {"tag": "dog", "precision": 2 / 3, "recall": 1.0, "threshold": 0.3, "positives": 2, "predefined": True}
    assert report["per_tag"][0] == {**dog, "AP": pytest.approx((1 + 2 / 3) / 2), "F1": pytest.approx(0.8)}
    unknown = dict.fromkeys(("AP", "precision", "recall", "F1"))
    lamp = {"tag": "lamp", **unknown, "threshold": 0.5, "positives": 0, "predefined": True}
    assert report["per_tag"][3] == lamp
    with pytest.raises(ValueError, match=r"scores \(2, 4\) and targets \(3, 4\)"):
        evaluate(scores[:2], benchmark, thresholds)


def test_a_report_tells_predefined_from_described_tags(official):
    benchmark = load_benchmark(official)
    scores = np.random.default_rng(0).random((3, 4))
    precisions = average_precisions(scores, benchmark.targets)
    report = evaluate(scores, benchmark, predefined=[True, False, True, False]).to_dict()
    assert (report["pictures"], report["predefined_tags"], report["described_tags"]) == (3, 2, 2)
    assert report["mAP_predefined"] == pytest.approx(precisions[[0, 2]].mean())
    assert report["mAP_described"] == pytest.approx(precisions[1])  # the other has no positive
    lamp = evaluate(scores, benchmark, predefined=[True, True, True, False]).to_dict()
    assert lamp["mAP_described"] is None and lamp["mAP_predefined"] == lamp["mAP"]


@pytest.mark.parametrize("name, tags, chance", [("common_155", 155, 0.047), ("uncommon_79", 79, 0.008)])
def test_blind_scores_reach_chance_on_flickr8k(name, tags, chance):
    folder, images = SHARED / "data/flickr8k/benchmarks" / f"flickr8k_{name}", SHARED / "data/flickr8k/images"
    if not folder.is_dir():
        pytest.skip("needs the shared Flickr8k benchmarks")
    benchmark = load_benchmark(folder, images)
    pictures = 1000
    assert benchmark.targets.shape == (pictures, tags)
    constant = evaluate(np.zeros((pictures, tags)), benchmark).to_dict()
    assert constant["mAP"] == pytest.approx(chance, abs=0.0005)
    # a random ranking of N pictures, P positive: AP is luck + (1 - luck) (P - 1) / (N - 1) on average
    luck = np.mean(1 / np.arange(1, pictures + 1))
    expected = np.mean(luck + (1 - luck) * (benchmark.targets.sum(0) - 1) / (pictures - 1))
    scores = np.random.default_rng(0).random((20, pictures, tags))
    found = [evaluate(once, benchmark).to_dict()["mAP"] for once in scores]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(len(found)))
