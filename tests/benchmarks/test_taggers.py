"""Our labelled photos are whole and consistent; methods are measured on them as computed by hand."""

import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from benchmarks import taggers
from benchmarks.labelled_photos import FOLDER, LabelledPhotos, is_held_out, load_labelled
from benchmarks.tagger_measures import Result, measure, read_result
from ram.errors import InputError, MissingPackageError
from ram.evaluation.benchmarks import Benchmark
from ram.text.files import read_table

FREE = ("public domain", "CC0", "CC-BY", "GPL", "LGPL", "GFDL")


def table(name, *columns):
    return [row for _, row in read_table(FOLDER / name, columns)]


def test_the_photos_are_enough_small_enough_and_all_labelled():
    photos = {file.name: file for file in (FOLDER / "photos").iterdir()}
    labelled = [row["photo"] for row in table("labels.csv", "photo")]
    assert sorted(photos) == sorted(labelled) and len(photos) >= 300
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < 15_000_000
    assert len(table("tags.csv", "tag")) >= 120
    assert 0.3 < sum(map(is_held_out, photos)) / len(photos) < 0.37


def test_every_photo_has_a_source_and_a_free_licence():
    sources = {row["photo"]: row for row in table("SOURCES.csv", "photo", "package", "author", "licence", "stated_in")}
    assert sources.keys() == {row["photo"] for row in table("labels.csv", "photo")}
    for name, row in sources.items():
        assert all(row[field] for field in ("package", "file_in_package", "author", "stated_in")), name
        assert row["licence"].startswith(FREE) and "-NC" not in row["licence"] and "-ND" not in row["licence"], name


def test_no_photo_is_there_twice():
    def signature(file):
        with Image.open(file) as picture:
            grey = np.asarray(picture.convert("L").resize((9, 8), Image.Resampling.LANCZOS), dtype=int)
        return np.diff(grey, axis=1).ravel() < 0

    signatures = np.stack([signature(file) for file in sorted((FOLDER / "photos").iterdir())]).astype(int)
    differences = (signatures[:, None] != signatures[None]).sum(axis=2)
    assert differences[np.triu_indices(len(signatures), 1)].min() > 4


def test_labels_hold_to_what_tags_imply():
    photos = load_labelled()
    tags, targets = photos.benchmark.tags, photos.benchmark.targets
    for row in table("tags.csv", "tag", "implies"):
        for above in filter(None, row["implies"].split(";")):
            wrong = targets[:, tags.index(row["tag"])] & ~targets[:, tags.index(above)]
            assert not wrong.any(), (row["tag"], above, photos.benchmark.pictures[wrong.argmax()].name)
    assert photos.hard.sum() >= 400 and not (photos.hard & targets).any()


def test_the_parts_are_disjoint_and_make_up_the_whole():
    parts = [{p.name for p in load_labelled(part).benchmark.pictures} for part in ("choice", "held-out", "all")]
    assert not parts[0] & parts[1] and parts[0] | parts[1] == parts[2]
    with pytest.raises(InputError, match="there is no part 'test'"):
        load_labelled("test")


def test_changes_of_the_second_review_are_the_labels_of_today():
    photos = load_labelled()
    names = [picture.name for picture in photos.benchmark.pictures]
    changed = table("review.csv", "photo", "tag", "first", "second")
    for row in changed:
        cell = names.index(row["photo"]), photos.benchmark.tags.index(row["tag"])
        state = "present" if photos.benchmark.targets[cell] else "absent"
        assert row["second"] == (state if photos.benchmark.known[cell] else "doubtful") != row["first"], row
    assert Counter(row["second"] for row in changed)["absent"] == 0


@pytest.fixture
def small(tmp_path):
    """Three photos, three tags; one doubtful decision and two hard negatives."""
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], bool)
    known = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], bool)
    hard = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    pictures = tuple(tmp_path / f"{i}.jpg" for i in range(3))
    return LabelledPhotos(Benchmark("small", ("dog", "cat", "wolf"), pictures, targets, known), hard, ("animal",) * 3)


SCORES = np.array([[0.9, 0.6, 0.1], [0.2, 0.8, 0.9], [0.4, 0.7, 0.8]])


def test_a_row_is_as_computed_by_hand(small):
    row = measure(Result("ours", SCORES, 0.5, seconds=0.25, tokens=None), small)
    assert row["mAP"] == pytest.approx(1.0)  # dogs 0.9, 0.4 over 0.2; cats 0.8, 0.7 over 0.6; no wolf
    assert row["precision"] == pytest.approx(3 / 5) and row["recall"] == pytest.approx(3 / 4)
    assert row["hard_negatives_predicted"] == 1.0
    assert row["tags_a_photo"] == pytest.approx(5 / 3) and row["seconds_a_photo"] == 0.25
    judged = [(0.9, 1), (0.6, 0), (0.1, 0), (0.2, 0), (0.8, 1), (0.4, 1), (0.7, 1), (0.8, 0)]
    bins = {}
    for probability, truth in judged:
        bins.setdefault(int(probability * 15), []).append((probability, truth))
    expected = sum(abs(sum(p for p, _ in of) - sum(t for _, t in of)) for of in bins.values()) / len(judged)
    assert row["calibration_error"] == pytest.approx(expected)
    answers = measure(Result("eyes", SCORES > 0.5, 0.5, probabilities=False), small)
    assert answers["mAP"] is None is answers["calibration_error"] and answers["recall"] == row["recall"]


def test_others_results_come_in_as_scores_or_as_tags(small, tmp_path):
    scores = {f"{i}.jpg": {"dog": float(row[0]), "cat": float(row[1]), "zebra": 0.5} for i, row in enumerate(SCORES)}
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps({"name": "theirs", "scores": scores, "threshold": 0.3, "seconds_a_photo": 2}))
    result = read_result(file, small)
    assert result.scores.tolist() == [[0.9, 0.6, 0], [0.2, 0.8, 0], [0.4, 0.7, 0]]
    assert (result.thresholds, result.seconds, result.probabilities) == (0.3, 2, True)
    file.write_text(json.dumps({"name": "eyes", "tags": {f"{i}.jpg": ["dog"] for i in range(3)}}))
    assert read_result(file, small).scores.tolist() == [[1, 0, 0]] * 3 and not read_result(file, small).probabilities


@pytest.mark.parametrize(
    "content, message",
    [
        ([], "theirs.json must be"),
        ({"name": "x"}, "theirs.json must be"),
        ({"name": "x", "scores": {"0.jpg": {}}}, "lacks 2 of 3 photos, such as 1.jpg"),
        ({"name": "x", "scores": {f"{i}.jpg": {"dog": 7} for i in range(3)}}, "the score 7 for 'dog'"),
    ],
)
def test_results_of_another_form_are_refused(content, message, small, tmp_path):
    (tmp_path / "theirs.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / "theirs.json", small)


def test_a_method_that_cannot_run_says_what_it_needs(small, monkeypatch):
    def refuse(name, request):
        raise MissingPackageError("ODISE is not installed.")

    monkeypatch.setattr(taggers, "load_labelled", lambda part, folder: small)
    monkeypatch.setattr(taggers, "load_baseline", refuse)
    monkeypatch.setattr(taggers, "run_model", lambda name, photos, progress: Result(name, SCORES, 0.5))
    found = taggers.compare(["ram-plus-lite", "odise", "linear-probe"], parts=("choice",))
    assert found.methods == ("ram-plus-lite",)
    assert found.not_run == {
        "odise": "ODISE is not installed",
        "linear-probe": "it is taught on the part choice: measure it on --part held-out",
    }
    counts = found.parts["choice"]
    assert counts["photos"] == 3 and counts["tags_with_a_positive"] == 2 and counts["hard_negatives"] == 2
