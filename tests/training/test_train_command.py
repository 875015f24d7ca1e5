"""``ram train`` from a recipe file to a model that ``ram tag`` uses."""

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from tests.toy_run import TOML, draw, make_data, use_hash_text_encoder


@pytest.fixture
def ended(tmp_path, monkeypatch, ended):
    """Run a command in a folder with ``toy.toml`` and its data; give (exit code, standard output, standard error)."""
    use_hash_text_encoder(monkeypatch)
    make_data(tmp_path / "data")
    draw("red", "blue").save(tmp_path / "new.png")
    (tmp_path / "toy.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return ended


def test_a_recipe_becomes_a_model_that_tags(ended):
    code, out, _ = ended("train", "toy.toml", "--data", "data", "--output", "out")
    assert code == 0 and out == "toy is in out/model: use it as --model\n"
    code, out, _ = ended("tag", "new.png", "--model", "out/model", "--json")
    (tagged,) = json.loads(out)
    assert code == 0 and len(tagged["scores"]) > 0 and {"tag", "probability"} <= set(tagged["scores"][0])


def test_a_run_goes_below_runs_under_the_name_of_its_recipe(ended, tmp_path):
    assert ended("train", "toy.toml", "--data", "data")[0] == 0
    assert (tmp_path / "runs/toy/model/config.json").is_file()


def test_a_finished_run_is_kept_unless_resume_is_asked_for(ended, tmp_path):
    ended("train", "toy.toml", "--data", "data")
    code, out, err = ended("train", "toy.toml", "--data", "data")
    assert (code, out, err.count("\n")) == (2, "", 1) and "already holds a run" in err
    (tmp_path / "toy.toml").write_text(TOML.replace("epochs = 2", "epochs = 3"))
    assert ended("train", "toy.toml", "--data", "data", "--resume")[0] == 0
    assert len((tmp_path / "runs/toy/log.jsonl").read_text().splitlines()) == 3


def test_every_epoch_is_told(ended):
    _, _, err = ended("train", "toy.toml", "--data", "data")
    assert [line for line in err.splitlines() if "dev_mAP" in line and "'epoch': 2" in line]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch = 6", "batch = 0", "toy.toml: schedule.batch is 0"),
        ('"train.json"', '"none.json"', "there is no triplet file none.json"),
        ('"tags.csv"', '"none.csv"', "none.csv"),
        ('"test_efficientnet"', '"no_net"', "no_net"),
        ("dim = 16", "dim = 12", "model.dim is 12"),
        ("pretrained = false", "teacher = 'none'", "teacher is 'none'"),
    ],
)
def test_a_mistake_is_one_line(ended, tmp_path, monkeypatch, old, new, said):
    monkeypatch.setattr("ram.training.loop.has_bfloat16", lambda: False)  # which is a warning, but not before a mistake
    assert old in TOML
    (tmp_path / "toy.toml").write_text(TOML.replace(old, new))
    code, out, err = ended("train", "toy.toml", "--data", "data")
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


def test_without_data_the_first_missing_file_is_named(ended):
    code, out, err = ended("train", "toy.toml", "--data", "nowhere")
    assert (code, out, err.count("\n")) == (2, "", 1) and "tags.csv" in err


def test_a_recipe_that_is_not_there_is_one_line(ended):
    code, out, err = ended("train", "none.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("ram train: there is no recipe 'none.toml': give the path of a .toml file, or ")


OWN = """
[data]
labels = ["."]
vocabulary = "own"
descriptions = "template"
dev_share = 0.25
views = 2
"""


@pytest.mark.parametrize("frozen", ["true", "false"])
def test_a_folder_of_labelled_photos_becomes_a_model(ended, tmp_path, frozen):
    (tmp_path / "mine").mkdir()
    lines = []
    for number in range(16):
        colour = ("red", "green")[number % 2]
        draw(colour, "white", number).save(tmp_path / f"mine/{number}.png")
        lines.append(f"{number}.png,{colour};paper")
    content = (tmp_path / "mine/3.png").read_bytes()
    (tmp_path / "mine/3.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "mine/photos.csv").write_text("\n".join(["image,tags", *lines, "gone.png,green"]))
    before, after = TOML.index("[data]"), TOML.index("[schedule]")
    (tmp_path / "own.toml").write_text(f"freeze_backbone = {frozen}\n" + TOML[:before] + OWN + TOML[after:])
    code, _, err = ended("train", "own.toml", "--data", "mine", "--output", "out")
    assert code == 0 and "2 pictures are skipped (skipped.txt lists them), first: 3.png; gone.png" in err
    assert [line.partition(": ")[0] for line in (tmp_path / "out/skipped.txt").read_text().splitlines()] == [
        "mine/3.png", "mine/gone.png",
    ]  # fmt: skip
    _, out, _ = ended("tag", "new.png", "--model", "out/model", "--json")
    assert {score["tag"] for score in json.loads(out)[0]["scores"]} == {"paper", "red", "green"}
    ended("train", "own.toml", "--data", "mine", "--output", "again")
    first, second = (load_file(tmp_path / run / "model/model.safetensors") for run in ("out", "again"))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_a_folder_with_a_model_is_not_overwritten(ended, tmp_path):
    (tmp_path / "mine/model").mkdir(parents=True)
    code, out, err = ended("train", "toy.toml", "--data", "data", "--output", "mine")
    assert (code, out, err.count("\n")) == (2, "", 1) and "'mine' already holds a run" in err


@pytest.fixture
def heard():
    """SIGINT is heard, as in a terminal; a script that runs in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_says_how_to_go_on(ended, heard, monkeypatch, by):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("ram.training.loop.train", lambda *_, **__: os.kill(os.getpid(), by))
    code, out, err = ended("train", "toy.toml", "--data", "data")
    assert (code, out) == (130, "") and signal.getsignal(signal.SIGTERM) is before
    assert err == "ram train: stopped; run the same command with --resume to continue from the last saved state\n"
