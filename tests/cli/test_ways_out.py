"""Every way out of `ram tag`: COCO, lean records, translations, a .txt beside each picture, and odd file names."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ram.checkpoints.model_folder import load_model, save_model
from ram.errors import InputError
from ram.export.formats import Coco, readable_name
from ram.export.result_files import ResultFile
from ram.export.tag_files import TagFiles
from ram.images.opening import open_image, upright_size
from ram.runtime import atomic_write
from ram.text.vocabulary import TagVocabulary
from tests.cli.word_models import PRESENT, TAGS
from tests.paths import ROOT

pytestmark = pytest.mark.usefixtures("words")

CHINESE = {"dog": "狗", "cat": "猫", "tree": "树"}


@pytest.fixture(scope="module")
def chinese(models, tmp_path_factory):
    """Folder of a model whose tags have Chinese names."""
    config, model, bank = load_model(models["tiny-plus"])
    vocabulary = bank.vocabulary
    names = tuple(CHINESE.get(tag, "") for tag in vocabulary.tags)
    translated = TagVocabulary(vocabulary.tags, vocabulary.thresholds, names)
    folder = tmp_path_factory.mktemp("chinese") / "tiny-plus"
    save_model(folder, config, model, bank)
    translated.save(folder / "vocabulary.csv")
    return str(folder)


def test_coco_comes_from_the_shell_and_is_continued(models, photos, ended, tmp_path):
    turned = Image.new("RGB", (40, 30))
    turned.getexif()[0x0112] = 6
    turned.save(photos / "turned.jpg", exif=turned.getexif())
    output = tmp_path / "tags.coco.json"
    command = ("tag", "--model", models["tiny-plus"], "--output", output)
    assert ended(*command, photos / "0.png", photos / "turned.jpg")[0] == 0
    first = json.loads(output.read_text())
    assert first["info"]["model"] == "tiny-plus"
    assert [(i["file_name"], i["width"], i["height"]) for i in first["images"]] == [
        (str(photos / "0.png"), 40, 30), (str(photos / "turned.jpg"), 30, 40)
    ]  # fmt: skip
    assert [c["name"] for c in first["categories"]] == list(TAGS)
    code, _, err = ended(*command, photos, "--tags", "corgi", "--describer", "template")
    assert code == 0 and "2 of 4 pictures are in tags.coco.json already" in err
    second = json.loads(output.read_text())
    assert second["images"][:2] == first["images"] and second["categories"][: len(TAGS)] == first["categories"]
    assert second["categories"][-1]["name"] == "corgi"
    for entries in ("images", "categories", "annotations"):
        assert [entry["id"] for entry in second[entries]] == list(range(1, len(second[entries]) + 1))
    labels = {(a["image_id"], a["category_id"]) for a in second["annotations"]}
    assert {(image, TAGS.index(tag) + 1) for image in (1, 2, 3, 4) for tag in PRESENT} <= labels


@pytest.mark.parametrize("text", ['{"images": []}', "[]", '{"info": {"model": "x"}, "images": [{"id": "1"}]}', "{"])
def test_a_json_file_of_another_kind_is_not_replaced(models, photos, ended, tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--output", tmp_path / "a.json")
    assert code == 2 and "a.json exists and is no result of `ram tag`" in err
    assert (tmp_path / "a.json").read_text() == text


def test_a_run_that_is_stopped_keeps_its_coco_file(tmp_path):
    results = ResultFile(tmp_path / "a.json")
    with pytest.raises(KeyboardInterrupt), results.writing([], ["dog"]) as report:
        report.add({"image": "a.jpg", "model": "m", "tags": ["dog"], "scores": [], "width": 1, "height": 1})
        report.finish()
        raise KeyboardInterrupt
    assert "a.jpg" in ResultFile(tmp_path / "a.json")
    with pytest.raises(RuntimeError), ResultFile(tmp_path / "a.json", overwrite=True).writing([], ["dog"]):
        raise RuntimeError  # before anything is done
    assert "a.jpg" in ResultFile(tmp_path / "a.json")


def test_a_tag_of_an_earlier_run_keeps_its_id(tmp_path):
    begun = {"categories": [{"id": 5, "name": "cat"}], "images": [{"id": 9, "file_name": "x"}], "annotations": []}
    with open(tmp_path / "a", "w") as file:
        report = Coco(file, ["dog", "cat"], begun)
        score = {"tag": "cat", "probability": 0.9}
        report.add({"image": "a", "model": "m", "tags": ["cat"], "scores": [score], "width": 1, "height": 1})
        report.finish()
    document = json.loads((tmp_path / "a").read_text())
    assert document["categories"] == [{"id": 5, "name": "cat"}, {"id": 6, "name": "dog"}]
    assert document["annotations"] == [{"id": 1, "image_id": 10, "category_id": 5, "score": 0.9}]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_of_an_image_is_that_of_the_opened_one(tmp_path, orientation):
    for name in ("a.jpg", "a.tif", "a.png"):
        image = Image.new("RGB", (6, 4))
        exif = image.getexif()
        exif[0x0112] = orientation
        image.save(tmp_path / name, exif=exif)
        assert upright_size(tmp_path / name) == open_image(tmp_path / name).size


def test_lean_records_have_no_descriptions(models, photos, ended, tmp_path):
    for name in ("a.jsonl", "a.csv"):
        assert ended("tag", photos, "--model", models["tiny-plus"], "--output", tmp_path / name, "--lean")[0] == 0
    records = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert len(records) == 3
    assert all(set(score) == {"tag", "probability", "threshold"} for r in records for score in r["scores"])
    assert max(map(len, (tmp_path / "a.jsonl").read_text().splitlines())) < 1200
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert {row["description"] + row["weight"] for row in rows} == {""}
    code, out, _ = ended("tag", photos / "0.png", "--model", models["tiny-plus"], "--lean")
    assert code == 0 and "a photo of" not in out and "dog" in out
    assert ended("tag", photos, "--model", models["tiny-plus"], "--output", tmp_path / "a.csv", "--lean")[0] == 0


def test_translations_are_printed_and_written(chinese, photos, ended, tmp_path):
    command = ("tag", photos / "0.png", "--model", chinese, "--translations")
    code, out, _ = ended(*command, "--tags", "corgi", "--describer", "template")
    assert code == 0 and "dog 狗" in out and "corgi" in out
    scores = {score["tag"]: score["translation"] for score in json.loads(ended(*command, "--json")[1])[0]["scores"]}
    assert scores["dog"] == "狗" and scores["grass"] == ""
    for _ in range(2):  # the second time it is continued
        assert ended(*command, "--output", tmp_path / "a.csv")[0] == 0
    rows = {row["tag"]: row for row in csv.DictReader((tmp_path / "a.csv").open(encoding="utf-8"))}
    assert rows["dog"]["translation"] == "狗" and float(rows["dog"]["probability"]) > 0
    assert ended(*command, "--txt", "keep")[0] == 0
    assert set((photos / "0.txt").read_text(encoding="utf-8").strip().split(", ")) == {"狗", "猫", "grass"}


def test_a_model_without_translations_says_so(models, photos, ended):
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--translations")
    assert code == 2 and "tiny-plus has no names in another language: leave --translations out" in err


def test_a_text_file_beside_each_picture_keeps_adds_or_replaces(models, photos, ended):
    command = ("tag", photos, "--model", models["tiny-plus"])
    code, out, err = ended(*command, "--txt", "keep")
    assert (code, out) == (0, "") and "3 .txt files are written beside the pictures" in err
    assert all(set(path.read_text().strip().split(", ")) == set(PRESENT) for path in photos.glob("*.txt"))
    (photos / "0.txt").write_text("my own text, DOG\n")
    err = ended(*command, "--txt", "keep")[2]
    assert "3 of 3 pictures have a .txt already" in err and (photos / "0.txt").read_text() == "my own text, DOG\n"
    err = ended(*command, "--txt", "add")[2]
    assert "1 .txt files are written beside the pictures, 2 that exist are kept" in err
    added = (photos / "0.txt").read_text()
    assert added.startswith("my own text, DOG, ") and set(added.strip().split(", ")[2:]) == {"cat", "grass"}
    ended(*command, "--txt", "replace", "--top", 1)
    assert (photos / "0.txt").read_text().strip() in PRESENT


def test_text_files_and_results_are_written_in_one_run(models, photos, ended, tmp_path):
    (photos / "1.txt").write_text("mine")
    output = tmp_path / "a.jsonl"
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--txt", "keep", "--output", output)
    assert code == 0 and "2 .txt files are written beside the pictures, 1 that exist are kept" in err
    assert len(output.read_text().splitlines()) == 3 and (photos / "1.txt").read_text() == "mine"


def test_pictures_that_share_a_text_file_are_refused(tmp_path):
    texts = TagFiles("replace")
    record = {"tags": ["dog"], "scores": [{"tag": "dog"}]}
    texts.add(tmp_path / "a.jpg", record)
    with pytest.raises(InputError, match=r"a.jpg and a.png would have the same a.txt: rename one of them"):
        texts.add(tmp_path / "a.png", record)
    (tmp_path / "b.txt").write_bytes(b"a picture with another ending")
    with pytest.raises(InputError, match=r"b.txt is a picture"):
        texts.add(tmp_path / "b.txt", record)
    assert (tmp_path / "b.txt").read_bytes().startswith(b"a picture")


def test_a_text_file_that_cannot_be_written_does_not_end_the_run(models, photos, ended):
    Image.new("RGB", (8, 8)).save(photos / "0.jpg")
    (photos / "1.txt").write_bytes("café".encode("latin-1"))
    code, _, err = ended("tag", photos, "--model", models["tiny-plus"], "--txt", "add")
    assert code == 2 and "0.jpg and 0.png would have the same 0.txt" in err and "1.txt is not UTF-8 text" in err
    assert "2 .txt files are written beside the pictures" in err and (photos / "2.txt").exists()
    assert (photos / "1.txt").read_bytes() == "café".encode("latin-1")


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_names_that_are_not_utf8_are_written_readably(models, photos, ended, tmp_path):
    odd = os.fsencode(photos) + b"/caf\xe9.png"
    os.rename(photos / "0.png", odd)
    (photos / "caf\udce8.png").write_bytes(b"no picture")
    command = ("tag", photos, "--model", models["tiny-plus"])
    for suffix in ("jsonl", "csv", "json"):
        output = tmp_path / f"a.{suffix}"
        for _ in range(2):
            assert ended(*command, "--output", output)[0] == 2
        text = output.read_bytes().decode("utf-8")  # strictly
        assert text.count("caf\\\\xe9.png" if suffix != "csv" else "caf\\xe9.png,tiny-plus,dog") == 1
        assert "\\udc" not in text
        assert "caf\\xe8.png" in (tmp_path / "a.unreadable.csv").read_bytes().decode("utf-8")
    assert json.loads(ended(*command, "--json")[1])[-1]["image"].endswith("caf\\xe9.png")
    assert readable_name("猫 é.jpg") == "猫 é.jpg"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "json"])
def test_a_full_disk_names_the_file(models, photos, tmp_path, suffix):
    output = tmp_path / f"tags.{suffix}"
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "import tests.cli.word_models as t, ram.models.build as b; b.TEXT_ENCODERS['words'] = t.WordsTextEncoder;"
        "import ram.cli; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); sys.exit(ram.cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "tag", photos, "--model", models["tiny-plus"], "--output", output]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2 and done.stderr.splitlines()[-1] == f"ram tag: {output}: File too large"


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
@pytest.mark.parametrize("write", [
    lambda path: path.write_bytes(bytes(100)), lambda path: save_file({"a": torch.zeros(100)}, path)
], ids=["Python", "safetensors"])  # fmt: skip
def test_an_atomic_write_that_does_not_fit_names_its_file(tmp_path, write):
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1][1]))
    try:
        with pytest.raises(OSError) as caught, atomic_write(tmp_path / "a.txt") as partial:
            write(partial)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[1])
        signal.signal(signal.SIGXFSZ, before[0])
    assert caught.value.filename == str(tmp_path / "a.txt") and list(tmp_path.iterdir()) == []


def test_an_atomic_write_to_where_nothing_can_be_written_names_the_file(tmp_path):
    with pytest.raises(OSError) as caught, atomic_write(tmp_path / "none" / "a.txt"):
        raise AssertionError("not reached")
    assert caught.value.filename == str(tmp_path / "none" / "a.txt") and isinstance(caught.value, FileNotFoundError)
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a.txt"):
        open(tmp_path / "another")
    assert caught.value.filename == str(tmp_path / "another")
