"""A tagger goes to the hub and comes back the same; what goes wrong is said in one sentence."""

import json

import pytest
import torch
from PIL import Image

import ram
from ram.errors import CheckpointError, DownloadError
from ram.hub.repositories import is_repository
from tests.hub_server import PATH
from tests.tiny import HashTextEncoder

NAME = "somebody/tiny"


@pytest.fixture(autouse=True)
def hash_texts(monkeypatch):
    monkeypatch.setattr("ram.tagger_loading.build_text_encoder", lambda *named: HashTextEncoder())


def probabilities(tagger, picture):
    return tagger.tag(picture).probabilities.tolist()


def test_a_pushed_tagger_is_loaded_by_its_name(hub, tagger):
    picture = Image.new("RGB", (80, 60), "teal")
    assert tagger.push_to_hub(NAME) == f"{hub.url}/{NAME}/commit/{'c' * 40}"
    stored = {path.rpartition("/")[2] for path in hub.files} - {PATH.rpartition("/")[2]}
    assert stored == {
        "config.json", "model.safetensors", "bank.safetensors", "vocabulary.csv", "descriptions.json", "README.md",
        "report.json", "modeling_ram.py",
    }  # fmt: skip
    for loaded in (ram.load(NAME), ram.Tagger.from_pretrained(NAME), ram.load(f"{NAME}@main")):
        assert probabilities(loaded, picture) == probabilities(tagger, picture)


def test_only_files_of_a_model_are_fetched(hub, tagger, tmp_path):
    tagger.push_to_hub(NAME)
    hub.files[f"/{NAME}/resolve/main/pytorch_model.bin"] = b"a pickle"
    ram.load(NAME)
    fetched = {path.name for path in (tmp_path / "cache").rglob("snapshots/*/*")}
    assert "model.safetensors" in fetched and not fetched & {"pytorch_model.bin", "modeling_ram.py"}


def test_a_fetched_model_is_loaded_without_a_network(hub, tagger):
    tagger.push_to_hub(NAME)
    shown = []
    ram.load(NAME, progress=lambda *step: shown.append(step))
    assert any(what == f"fetching {NAME} (MB)" for what, *_ in shown)
    hub.down = True
    assert ram.load(NAME).name == "tiny"


def test_a_repository_that_is_not_there_is_named(hub):
    with pytest.raises(CheckpointError, match="no folder 'no/body', and 127.0.0.1 answers 404 .*: check its spelling"):
        ram.load("no/body")
    hub.files["/no/model/resolve/main/README.md"] = b"# Nothing"
    with pytest.raises(CheckpointError, match="no/model on 127.0.0.1 holds no config.json: it is no model"):
        ram.load("no/model")


def test_without_a_network_one_sentence_says_so(monkeypatch):
    with pytest.raises(CheckpointError, match="no folder 'runs/own', and .* not here: HF_HUB_OFFLINE forbids"):
        ram.load("runs/own")


def test_a_refused_upload_says_what_to_do(hub, tagger):
    hub.down = True
    with pytest.raises(DownloadError, match="answers 403 to an upload to 'somebody/tiny': log in"):
        tagger.push_to_hub(NAME)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("owner/name", True), ("owner/name@v1.0", True), ("name", False), ("a/b/c", False), ("./folder", False),
        ("../folder", False), ("/folder/name", False), ("owner/.hidden", False), ("C:\\a/b", False),
    ],
)  # fmt: skip
def test_names_of_repositories_are_told_from_paths(name, expected):
    assert is_repository(name) is expected


def test_a_saved_folder_loads_in_16_bit_too(tagger, tmp_path):
    tagger.save_pretrained(tmp_path / "whole")
    tagger.save_pretrained(tmp_path / "half", half=True)
    picture = Image.new("RGB", (80, 60), "olive")
    assert probabilities(ram.load(tmp_path / "whole"), picture) == probabilities(tagger, picture)
    near = torch.tensor(probabilities(ram.load(tmp_path / "half"), picture))
    assert torch.allclose(near, torch.tensor(probabilities(tagger, picture)), atol=1e-2)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.slow
def test_transformers_loads_a_folder_with_its_code(tagger, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    from transformers import AutoModel

    tagger.save_pretrained(tmp_path / "tiny")
    model = AutoModel.from_pretrained(str(tmp_path / "tiny"), trust_remote_code=True)
    picture = Image.new("RGB", (80, 60), "teal")
    logits = model(tagger.transform(picture)[None])
    assert logits.sigmoid()[0].tolist() == pytest.approx(probabilities(tagger, picture), abs=1e-6)
    found = model.classify(picture, ["corgi", "kite"])
    assert sorted(one["label"] for one in found) == ["corgi", "kite"]
    assert found[0]["score"] >= found[1]["score"]
    assert json.loads((tmp_path / "tiny" / "config.json").read_text())["model_type"] == "ram"
