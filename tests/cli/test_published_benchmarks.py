"""``ram evaluate --benchmark`` on made-up data in the original formats, with a tiny untrained model."""

import json

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from ram.describers.template import TemplateDescriber
from ram.evaluation.importers.benchmark_table import BENCHMARKS
from ram.evaluation.importers.class_lists import read_classes
from ram.evaluation.metrics import average_precisions, rates
from ram.tagger_loading import load
from tests.tiny import tiny_bank, tiny_config, tiny_model

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def model(tmp_path):
    """A model folder; its tags are dog, cat and pine tree."""
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank())
    return tmp_path / "model"


def draw(folder, names):
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (30, 40, 3), np.uint8)).save(folder / name)
    return [folder / name for name in names]


@pytest.fixture
def coco(tmp_path):
    """Six pictures: dogs on the first two, cats on the second and third, a sink on the last."""
    pictures = draw(tmp_path / "coco/val2017", [f"{i}.jpg" for i in range(6)])
    listed = BENCHMARKS["coco-80"].classes
    classes = read_classes(listed.file, listed.sha256, listed.subset)
    document = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(6)],
        "annotations": [
            {"image_id": i, "category_id": category} for i, category in ((0, 18), (1, 18), (1, 17), (2, 17), (5, 81))
        ],
        "categories": [{"id": int(one.key), "name": one.name} for one in classes],
    }
    (tmp_path / "coco/annotations").mkdir()
    (tmp_path / "coco/annotations/instances_val2017.json").write_text(json.dumps(document))
    return pictures


@pytest.fixture
def voc(tmp_path):
    """Four pictures: a dog, a cat that is difficult, a cat, and nothing."""
    pictures = draw(tmp_path / "voc/JPEGImages", [f"{i}.jpg" for i in range(4)])
    (tmp_path / "voc/Annotations").mkdir()
    (tmp_path / "voc/ImageSets/Main").mkdir(parents=True)
    (tmp_path / "voc/ImageSets/Main/test.txt").write_text("0\n1\n2\n3\n")
    for i, (name, difficult) in enumerate([("dog", 0), ("cat", 1), ("cat", 0), (None, 0)]):
        each = f"<object><name>{name}</name><difficult>{difficult}</difficult></object>" if name else ""
        (tmp_path / f"voc/Annotations/{i}.xml").write_text(f"<annotation>{each}</annotation>")
    return pictures


def probabilities(model, pictures, tags):
    """(images, tags) of a tagger that describes unknown tags by templates."""
    tagger = load(model)
    new = {tag: tuple(TemplateDescriber().describe(tag)) for tag in tags if tag not in tagger.bank.vocabulary}
    bank = tagger.bank.join(tagger.embed(new)) if new else tagger.bank
    said = [tagger.score(tagger.look(picture), bank) for picture in pictures]
    return np.array([[prediction[tag].probability for tag in tags] for prediction in said])


def test_coco_is_measured_as_by_hand(model, coco, tmp_path, ended):
    flags = ("--model", model, "--open-set", "--describer", "template", "--tune", "f1")
    asked = ("evaluate", "--benchmark", "coco-80", "--root", tmp_path / "coco", *flags)
    code, out, err = ended(*asked, "--json")
    report = json.loads(out)
    assert (code, report["dataset"], report["pictures"]) == (0, "coco-80", 6), err
    assert (report["predefined_tags"], report["described_tags"], report["tags_without_positive"]) == (2, 78, 77)
    assert {one["tag"]: one["positives"] for one in report["per_tag"] if one["positives"]} == {
        "cat": 2,
        "dog": 2,
        "sink": 1,
    }
    scores = probabilities(model, coco, ["dog", "cat", "sink"])
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert report["mAP"] == pytest.approx(average_precisions(scores, targets).mean())
    best = max(rates(scores, targets, threshold).CF1 for threshold in np.append(scores.ravel() - 1e-7, 0))
    assert report["tuned"]["goal"] == "f1" and report["tuned"]["CF1"] == pytest.approx(best)
    code, out, _ = ended(*asked)
    assert code == 0 and f"tuned for f1: CP {report['tuned']['CP']:.3f}" in out


def test_voc_leaves_out_what_is_difficult(model, voc, tmp_path, ended):
    asked = ("evaluate", "--benchmark", "voc-2007", "--root", tmp_path / "voc", "--model", model, "--json")
    code, out, err = ended(*asked, "--open-set", "--describer", "template")
    report = json.loads(out)
    scores = probabilities(model, voc, ["dog", "cat"])
    targets = np.array([[1, 0], [0, 0], [0, 1], [0, 0]])
    dog, cat = average_precisions(scores, targets, [[1, 1], [1, 0], [1, 1], [1, 1]])
    assert {one["tag"]: one["AP"] for one in report["per_tag"] if one["positives"]} == {
        "dog": pytest.approx(dog),
        "cat": pytest.approx(cat),
    }
    code, out, err = ended(*asked)
    assert (code, out) == (2, "") and "18 of 20 tags are not in the vocabulary of tiny" in err


def test_flickr30k_is_retrieved(model, tmp_path, ended):
    root = tmp_path / "flickr"
    draw(root / "flickr30k-images", ["a.jpg", "b.jpg", "c.jpg"])
    lines = [f"{name}.jpg#{i}\t{text} {name} .\n" for name in "abc" for i, text in enumerate(("A dog", "Snow"))]
    (root / "results_20130124.token").write_text("".join(lines))
    images = [{"filename": f"{name}.jpg", "split": "test" if name != "c" else "val"} for name in "abc"]
    (root / "dataset_flickr30k.json").write_text(json.dumps({"images": images}))
    asked = ("evaluate", "--benchmark", "flickr30k", "--root", root, "--model", model)
    code, out, err = ended(*asked, "--json")
    report = json.loads(out)
    assert (code, report["pictures"], report["captions"]) == (0, 2, 4), err
    assert report["text_to_picture"]["R@5"] == 1 and 0 < report["seconds_per_query"] < 10
    code, out, _ = ended(*asked)
    assert code == 0 and "ms a caption" in out
    code, _, err = ended(*asked, "--open-set")
    assert code == 2 and "--open-set does not go with --retrieval" in err


def test_all_benchmarks_are_listed_with_what_they_need(ended):
    code, out, _ = ended("evaluate", "--list-benchmarks")
    assert code == 0 and "hico-600: 600 tags, hico_600.csv; tables of the papers: RAM++ 2" in out
    assert "  anno.mat: hico_20150920.tar.gz of HICO" in out
    code, out, _ = ended("evaluate", "--list-benchmarks", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert list(rows) == list(BENCHMARKS) and rows["flickr30k"]["classes"] is None
    assert rows["voc-2007"]["sha256"] == BENCHMARKS["voc-2007"].classes.sha256


def test_wrong_requests_get_one_sentence(coco, tmp_path, ended):
    root = ("--root", tmp_path / "coco")
    for flags, sentence in (
        ((), "give either DATASET or --benchmark NAME"),
        (("park.json", "--benchmark", "coco-80", *root), "give either DATASET or --benchmark NAME"),
        (("--benchmark", "coco-80"), "--benchmark NAME and --root FOLDER go together"),
        (("park.json", *root), "--benchmark NAME and --root FOLDER go together"),
        (("--benchmark", "coco", *root), "there is no benchmark 'coco': choose openimages-common-214"),
        (("--benchmark", "coco-80", *root, "--images", tmp_path), "--images does not go with --benchmark"),
        (("--benchmark", "coco-80", *root, "--retrieval"), "coco-80 has tags, no captions"),
        (("--benchmark", "coco-133", *root), "there is no annotations/panoptic_val2017.json, which is in: panoptic_"),
        (("--benchmark", "coco-80", *root, "--tune", "best"), "'best' is no goal: give f1, or precision=0.8"),
        (("--benchmark", "flickr30k", *root, "--tune", "f1"), "--tune does not go with --retrieval"),
    ):
        code, out, err = ended("evaluate", *flags)
        assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err, err
