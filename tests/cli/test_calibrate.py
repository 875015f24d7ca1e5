"""``ram calibrate`` on a tiny untrained model: which thresholds change, and where they are written."""

import json

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.checkpoints.registry import find_model
from ram.evaluation.calibration import calibrate, parse_goal
from ram.tagger_loading import load
from ram.text.vocabulary import TagVocabulary
from tests.tiny import tiny_bank, tiny_config, tiny_model

TAGS = [["dog"], ["Cat", "kite"], ["dog", "cat"], ["dog"], [], ["cat"]]


@pytest.fixture
def model(tmp_path, hash_encoder):
    """A model folder; its tags are dog, cat and pine tree."""
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank().with_thresholds([0.0, 0.5, 0.12345]))
    return tmp_path / "model"


@pytest.fixture
def photos(tmp_path):
    """Six pictures and their tags, none of them a pine tree."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 255, (6, 30, 40, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    entries = [{"image": f"{i}.png", "tags": tags} for i, tags in enumerate(TAGS)]
    (folder / "dev.json").write_text(json.dumps(entries))
    return folder


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def chosen(model, photos, **goal):
    """Thresholds of dog and cat, from what the tagger says of each picture."""
    said = load(model).tag([photos / f"{i}.png" for i in range(6)])
    scores = np.array([[prediction[tag].probability for tag in ("dog", "cat")] for prediction in said])
    targets = np.array([[tag in [t.lower() for t in tags] for tag in ("dog", "cat")] for tags in TAGS])
    return calibrate(scores, targets, **goal)


def test_only_thresholds_are_written_into_the_folder(model, photos, ended):
    before, expected = content(model), chosen(model, photos)
    code, out, _ = ended("calibrate", model, photos / "dev.json", "--json")
    report, after = json.loads(out), content(model)
    vocabulary = TagVocabulary.load(model / "vocabulary.csv")
    assert code == 0 and vocabulary.tags == ("dog", "cat", "pine tree")
    assert vocabulary.thresholds[:2] == pytest.approx(expected, abs=1e-3) and vocabulary.thresholds[2] == 0.12345
    assert {**before, "vocabulary.csv": after["vocabulary.csv"]} == after
    assert report["folder"] == str(model) and report["for"] == "f1"
    counts = ("pictures", "tags", "changed", "without_positive", "unknown_tags")
    assert [report[name] for name in counts] == [6, 3, 2, 1, 1]


def test_figures_are_those_of_evaluate_before_and_after(model, photos, ended):
    entries = [{"image": f"{i}.png", "tags": [t for t in tags if t != "kite"]} for i, tags in enumerate(TAGS)]
    (photos / "dev.json").write_text(json.dumps(entries).replace("Cat", "cat"))
    evaluate = ("evaluate", photos / "dev.json", "--model", model, "--json")
    before = json.loads(ended(*evaluate)[1])
    report = json.loads(ended("calibrate", model, photos / "dev.json", "--json")[1])
    after = json.loads(ended(*evaluate)[1])
    for figures, measured in ((report["before"], before), (report["after"], after)):
        assert figures == {name: measured[name] for name in ("CP", "CR", "CF1", "OP", "OR", "OF1")}
    assert report["after"] != report["before"]
    _, out, err = ended("calibrate", model, photos / "dev.json")
    assert "0 of 3 thresholds changed; 1 tags without positives kept theirs" in out and str(model) in err


def test_output_leaves_the_calibrated_model_unchanged(model, photos, tmp_path, ended):
    ids = {"dog": 0, "cat": 1}
    triplets = [
        {"image_path": f"{i}.png", "caption": [], "union_label_id": [ids[t] for t in map(str.lower, tags) if t in ids]}
        for i, tags in enumerate(TAGS)
    ]
    (tmp_path / "triplets.json").write_text(json.dumps(triplets))
    before = content(model)
    flags = ("--images", photos, "--for", "precision=0.6", "--output", tmp_path / "precise")
    code, _, _ = ended("calibrate", model, tmp_path / "triplets.json", *flags)
    expected = chosen(model, photos, goal=parse_goal("precision=0.6"))
    assert code == 0 and content(model) == before
    assert load(tmp_path / "precise").bank.vocabulary.thresholds[:2] == pytest.approx(expected, abs=1e-3)
    assert content(tmp_path / "precise").keys() == before.keys()
    assert not list(tmp_path.glob("*.partial"))


def test_shipped_models_and_existing_outputs_are_kept(model, photos, tmp_path, ended):
    shipped = find_model("ram-lite")
    before = content(shipped)
    for name in ("ram-lite", shipped):
        code, out, err = ended("calibrate", name, photos / "dev.json")
        assert (code, out, err.count("\n")) == (2, "", 1) and "write a copy with --output" in err
    assert content(shipped) == before
    code, out, err = ended("calibrate", model, photos / "dev.json", "--output", photos)
    assert (code, out) == (2, "") and "already exists" in err
    code, out, err = ended("calibrate", model, photos / "dev.json", "--output", tmp_path / "no" / "where")
    assert (code, out) == (2, "") and "does not exist" in err


def test_what_cannot_be_calibrated_changes_nothing(model, photos, ended):
    before = content(model)
    code, out, err = ended("calibrate", model, photos / "dev.json", "--for", "recall")
    assert (code, out) == (2, "") and "give f1, or precision=0.8" in err
    (photos / "other.json").write_text(json.dumps([{"image": "0.png", "tags": ["kite"]}]))
    code, out, err = ended("calibrate", model, photos / "other.json")
    assert (code, out) == (2, "") and "no tag of other is in the vocabulary" in err
    for name in ("1.png", "4.png"):
        (photos / name).write_bytes((photos / name).read_bytes()[:1500])
    code, out, err = ended("calibrate", model, photos / "dev.json")
    assert (code, out) == (2, "") and "2 of 6 pictures" in err and "1.png" in err and "4.png" in err
    assert content(model) == before
