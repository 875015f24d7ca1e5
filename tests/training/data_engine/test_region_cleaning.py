"""Cleaning strikes out the farthest regions and those that are not recognized; planted errors measure it."""

import json

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.regions.region import WHOLE, Box
from ram.text.vocabulary import TagVocabulary
from ram.training.data_engine.planted_errors import plant_errors, recovery
from ram.training.data_engine.region_cleaning import CleaningRules, Struck, counts, strike_out, without_struck
from ram.training.data_engine.region_looks import RegionLooks, look_at_regions
from tests.tiny import tiny_bank, tiny_config, tiny_model, tiny_tagger

LABELS = TagVocabulary.of(["rainbow", "pine tree", "cat", "dog"])
KNOWN = tiny_bank().vocabulary
DOG, CAT = 3, 2


def draw(folder, count):
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (count, 30, 40, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i}.png")


def test_the_farthest_tenth_is_struck_out():
    pytest.importorskip("sklearn")
    generator = np.random.default_rng(0)
    features = np.repeat(np.eye(8, dtype=np.float32)[:2], 10, axis=0) + generator.normal(0, 0.01, (20, 8))
    features[[4, 13]] = features[[4, 13]] + [0, 0, 0.4, 0, 0, 0, 0, 0]  # far, but too near each other's to be a cluster
    features[13] *= [1, 1, -1, 1, 1, 1, 1, 1]
    looks = RegionLooks(tuple((n, DOG) for n in range(20)), features, np.ones(20))
    struck = strike_out(looks, LABELS, KNOWN, CleaningRules(0.1, clusters=2))
    assert struck.outlying == {(4, DOG), (13, DOG)} and not struck.unseen
    few = RegionLooks(looks.pairs[:19], features[:19], np.ones(19))
    assert not strike_out(few, LABELS, KNOWN, CleaningRules(0.1, clusters=2)).pairs


def test_a_pair_is_as_good_as_its_best_region():
    pairs = ((0, DOG), (0, DOG), (1, DOG), (1, CAT), (2, DOG))
    looks = RegionLooks(pairs, np.zeros((5, 8)), np.array([0.1, 0.6, 0.4, 0.2, 0.5], np.float32))
    known = tiny_bank().with_thresholds([0.5, 0.1, 0.5]).vocabulary  # of dog, cat and pine tree
    assert strike_out(looks, LABELS, known, CleaningRules(of_threshold=1)).unseen == {(1, DOG), (2, DOG)}
    assert strike_out(looks, LABELS, known, CleaningRules(of_threshold=0.9)).unseen == {(1, DOG)}
    assert strike_out(looks, LABELS, known, CleaningRules(seen_over=0.45)).unseen == {(1, DOG), (1, CAT)}
    assert not strike_out(looks, LABELS, known, CleaningRules(seen_over=0)).unseen


def test_regions_are_looked_at_as_pictures_of_their_own(tmp_path):
    draw(tmp_path, 2)
    half = Box(0.0, 0.0, 0.5, 1.0)

    class Halves:
        name = "halves"

        def regions(self, picture, tags):
            return [(half, Box(0.5, 0.0, 1.0, 1.0)) if tag == "dog" else () for tag in tags]

    triplets = [
        {"image_path": "0.png", "union_label_id": [0, DOG, CAT]},
        {"image_path": "gone.png", "union_label_id": [DOG]},
        {"image_path": "1.png", "union_label_id": [0]},
    ]
    tagger = tiny_tagger()
    looks = look_at_regions(tagger, Halves(), LABELS, triplets, tmp_path)
    assert looks.pairs == ((0, DOG), (0, DOG), (0, CAT)) and "gone.png" in looks.unreadable[0]
    picture = Image.open(tmp_path / "0.png")
    said = [tagger.tag(half.crop(picture))["dog"].probability, tagger.tag(picture)["cat"].probability]
    assert looks.probabilities[[0, 2]] == pytest.approx(said)
    np.testing.assert_allclose(np.linalg.norm(looks.features, axis=1), 1, atol=1e-5)
    assert looks.boxes[:2] == (half, Box(0.5, 0.0, 1.0, 1.0)) and looks.boxes[2] == WHOLE
    assert look_at_regions(tagger, Halves(), LABELS, triplets[:1], tmp_path, first=7).pairs[0] == (7, DOG)
    assert not look_at_regions(tagger, Halves(), LABELS, triplets[1:2], tmp_path).pairs


def test_a_region_of_several_tags_is_looked_at_once(tmp_path, monkeypatch):
    draw(tmp_path, 1)
    tagger, parts = tiny_tagger(), []
    look_through = tagger.look_through
    monkeypatch.setattr(tagger, "look_through", lambda images: look_through(parts.append(len(images)) or images))
    left, right = Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 1.0, 1.0)

    class Shared:
        name = "shared"

        def regions(self, picture, tags):
            return [(left,) if tag == "dog" else (left, right) for tag in tags]

    triplets = [{"image_path": "0.png", "union_label_id": [DOG, CAT]}]
    looks = look_at_regions(tagger, Shared(), LABELS, triplets, tmp_path)
    assert parts == [2] and looks.boxes == (left, left, right)
    np.testing.assert_array_equal(looks.features[0], looks.features[1])
    picture = left.crop(Image.open(tmp_path / "0.png"))
    prediction = tagger.tag(picture)
    assert looks.probabilities[:2] == pytest.approx([prediction[tag].probability for tag in ("dog", "cat")])


def test_struck_tags_leave_the_triplets_and_are_counted():
    triplets = [
        {"image_path": "a", "union_label_id": [DOG, CAT], "parse_label_id": [[DOG], [CAT, DOG]], "more": 7},
        {"image_path": "b", "union_label_id": [DOG]},
    ]
    struck = Struck(frozenset({(0, DOG)}), frozenset({(0, DOG), (1, DOG)}))
    a, b = without_struck(triplets, struck)
    assert a == {"image_path": "a", "union_label_id": [CAT], "parse_label_id": [[], [CAT]], "more": 7}
    assert b["union_label_id"] == []
    assert counts(triplets, LABELS, struck) == [
        {"tag": "dog", "before": 2, "outlying": 1, "unseen": 2, "after": 0},
        {"tag": "cat", "before": 1, "outlying": 0, "unseen": 0, "after": 1},
    ]


@pytest.mark.parametrize("wrong", [{"outlying": 1}, {"outlying": -0.1}, {"clusters": 0}, {"clusters": 5, "least": 4}])
def test_impossible_rules_are_refused(wrong):
    with pytest.raises(ValueError, match="outlying must be a fraction under 1 and clusters from 1 to"):
        CleaningRules(**wrong)


def test_errors_are_planted_in_place_of_right_tags():
    triplets = [{"image_path": str(n), "union_label_id": [n % 7, (n + 1) % 7], "parse_label_id": []} for n in range(50)]
    changed, planted = plant_errors(triplets, range(1, 7), 0.2, seed=1)
    allowed = sum(id_ > 0 for each in triplets for id_ in each["union_label_id"])
    assert len(planted) == round(0.2 * allowed)
    for n, (before, after) in enumerate(zip(triplets, changed, strict=True)):
        new = set(after["union_label_id"]) - set(before["union_label_id"])
        assert new == {tag for at, tag in planted if at == n} and 0 not in new
        assert len(after["union_label_id"]) == 2 and "parse_label_id" not in after
    assert plant_errors(triplets, range(1, 7), 0.2, seed=1)[1] == planted
    with pytest.raises(ValueError, match="between 0 and 1, not 1.5"):
        plant_errors(triplets, [1, 2, 3], 1.5)
    with pytest.raises(ValueError, match="fewer than two tags occur"):
        plant_errors(triplets, [1], 0.5)


def test_recovery_counts_by_hand():
    judged = [(n, DOG) for n in range(8)] + [(0, CAT), (1, CAT)]
    found = recovery({(0, DOG), (1, DOG), (2, DOG), (0, CAT)}, {(0, DOG), (0, CAT), (1, CAT), (9, CAT)}, judged)
    assert (found.planted, found.struck) == (3, 4)  # one of the planted tags was not judged
    assert (found.recall, found.precision, found.chance) == (pytest.approx(2 / 3), 0.5, 0.3)


@pytest.fixture
def asked(tmp_path, hash_encoder):
    """Arguments of a run on six pictures with a tiny model."""
    pytest.importorskip("sklearn")
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank().with_thresholds([0.0, 1.0, 0.0]))
    draw(tmp_path, 6)
    triplets = [{"image_path": f"{n}.png", "union_label_id": [CAT if n % 2 else DOG, 0]} for n in range(6)]
    (tmp_path / "train.json").write_text(json.dumps(triplets))
    (tmp_path / "labels.txt").write_text("\n".join(LABELS.tags))
    files = ("--pictures", tmp_path, "--labels", tmp_path / "labels.txt", "--model", tmp_path / "model")
    return ("clean", tmp_path / "train.json", *files)


def test_the_command_writes_what_is_left(asked, tmp_path, ended):
    flags = ("--least", 3, "--clusters", 2, "--outlying", 0.34, "--of-threshold", 1)
    flags += ("--counts", tmp_path / "counts.csv")
    code, out, err = ended(*asked, *flags, "--output", tmp_path / "clean.json", "--json")
    report = json.loads(out)
    assert (code, report["judged"], report["unseen"], report["planted"]) == (0, 6, 3, None), err
    assert {row["tag"]: (row["before"], row["outlying"], row["unseen"], row["after"]) for row in report["per_tag"]} == {
        "rainbow": (6, 0, 0, 6),
        "dog": (3, 1, 0, 2),
        "cat": (3, 1, 3, 0),
    }
    left = json.loads((tmp_path / "clean.json").read_text())
    assert sum(DOG in each["union_label_id"] for each in left) == 2
    assert [CAT in each["union_label_id"] for each in left] == [False] * 6
    heading, *rows = (tmp_path / "counts.csv").read_text().splitlines()
    assert (heading, rows[1]) == ("tag,before,outlying,unseen,after", "dog,3,1,0,2")


def test_the_command_measures_itself_with_planted_errors(asked, ended):
    code, out, err = ended(*asked, "--plant-errors", 0.34, "--seen-over", 0.9999)
    assert code == 0 and "2 planted errors: recall 1.000, precision 0.333 (by chance 0.333)" in out, out + err
    code, out, err = ended(*asked)
    assert (code, out) == (2, "") and "give either --output FILE or --plant-errors SHARE" in err
