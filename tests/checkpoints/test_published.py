"""Published models are fetched once, resumed, checked and converted; what goes wrong is said in one sentence."""

import dataclasses
import hashlib
import json
import shutil
import threading

import pytest
import torch
from PIL import Image

import ram.checkpoints.published
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.published import fetch_model
from ram.checkpoints.registry import DESCRIPTIONS, PUBLISHED, TAG2TEXT_LISTS, find_model, list_models
from ram.errors import CheckpointError
from tests.checkpoints.test_official import config
from tests.models.test_tag2text import config as learned_config
from tests.official import official_state

pytestmark = pytest.mark.slow

NAME = "ram-plus-swin-large"
TAGS = ("dog", "train", "train")


@pytest.fixture
def published(hub, tmp_path, monkeypatch):
    """A tiny RAM++ under a published name, with lists and descriptions; the hub's own cache is empty."""
    weights, texts = dataclasses.replace(PUBLISHED[NAME].file, sha256=""), DESCRIPTIONS
    lists = dataclasses.replace(PUBLISHED[NAME].lists, count=len(TAGS), digests={})
    tiny = dataclasses.replace(PUBLISHED[NAME], config=config(), lists=lists, file=weights)
    monkeypatch.setitem(PUBLISHED, NAME, tiny)
    monkeypatch.setattr(ram.checkpoints.published, "LISTS_URL", f"{hub.url}/lists")
    monkeypatch.setattr(ram.checkpoints.published, "find_cached", lambda file: None)
    torch.save({"model": official_state(config(), len(TAGS)), "optimizer": {}}, tmp_path / "official.pth")
    described = [{f"tag {i}": [f"sentence {i} {j}" for j in range(51)]} for i in range(len(TAGS))]
    hub.files |= {
        f"/{weights.repository}/resolve/main/{weights.name}": (tmp_path / "official.pth").read_bytes(),
        f"/datasets/{texts.repository}/resolve/main/{texts.name}": json.dumps(described).encode(),
        "/lists/ram_tag_list.txt": "\n".join(TAGS).encode(),
        "/lists/ram_tag_list_threshold.txt": b"0.5\n0.68\n1.0\n",
        "/lists/ram_tag_list_chinese.txt": "狗\n火车 \n训练\n".encode(),
    }
    return hub


def test_a_published_model_is_fetched_and_converted_once(published, tmp_path):
    cache = tmp_path / "cache"
    folder = fetch_model(NAME, cache)
    _, _, bank = load_model(folder)
    assert bank.vocabulary.tags == ("dog", "train", "train (2)")
    assert bank.vocabulary.thresholds == (0.5, 0.68, 1.0) and bank.vocabulary.translations == ("狗", "火车", "训练")
    assert bank.sentences[2][50] == "sentence 2 50" and bank.embedded.embeddings.dtype == torch.float16
    assert not list(cache.rglob("*.pth")) and not list(cache.rglob("*.part*"))
    published.down = True
    assert fetch_model(NAME, cache) == folder  # nothing is asked of the network again


def test_a_fetched_model_is_found_without_a_network(published, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    seen = []
    tagger = ram.load(NAME, device="cpu", progress=lambda *now: seen.append(now[0]))
    assert tagger.bank.vocabulary.tags[0] == "dog" and any(what.startswith("fetching ram_plus") for what in seen)
    assert find_model(NAME) == tmp_path / "ram" / "models" / NAME


def test_two_processes_at_once_fetch_a_model_once(published, tmp_path):
    folders = []
    threads = [threading.Thread(target=lambda: folders.append(fetch_model(NAME, tmp_path / "c"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert folders == [tmp_path / "c" / "models" / NAME] * 2
    assert sum(method == "GET" and path.endswith(".pth") for method, path, _ in published.asked) == 1


def test_a_file_in_the_hubs_cache_is_used_and_not_removed(published, tmp_path, monkeypatch):
    monkeypatch.setattr(ram.checkpoints.published, "find_cached", lambda file: tmp_path / "official.pth")
    fetch_model(NAME, tmp_path / "cache")
    assert (tmp_path / "official.pth").is_file()
    assert not any(path.endswith(".pth") for _, path, _ in published.asked)


def test_a_broken_checkpoint_leaves_no_half_a_model(published, tmp_path):
    path = next(path for path in published.files if path.endswith("14m.pth"))
    published.files[path] = published.files[path][:5000]
    with pytest.raises(CheckpointError, match="ram_plus_swin_large_14m.pth cannot be read as a checkpoint"):
        fetch_model(NAME, tmp_path)
    assert not (tmp_path / "models" / NAME).exists()


@pytest.mark.parametrize(
    "path, content, sentence",
    [
        ("/lists/ram_tag_list.txt", b"dog\ncat\n", "ram_tag_list.txt has 2 lines and not 3: it is not the official"),
        ("/lists/ram_tag_list_threshold.txt", b"0.5\nmuch\n1", "the official tag lists cannot be used"),
        ("descriptions", b"{", "the official descriptions cannot be used"),
        ("descriptions", b'[{"dog": ["a"]}]', "holds 1 tags, of .1. descriptions, for 3 tags"),
    ],
)
def test_lists_that_do_not_fit_stop_before_the_large_file(published, tmp_path, path, content, sentence):
    if path == "descriptions":
        path = next(path for path in published.files if path.startswith("/datasets"))
    published.files[path] = content
    with pytest.raises(CheckpointError, match=f"{NAME} is not here yet: .*{sentence}"):
        fetch_model(NAME, tmp_path)
    assert not any(path.endswith(".pth") for _, path, _ in published.asked)


def test_models_with_a_file_are_listed():
    assert [name for name, model in PUBLISHED.items() if model.file] == [
        "ram-plus-swin-large", "ram-swin-large", "tag2text-swin-base"
    ]  # fmt: skip
    assert set(PUBLISHED) < set(list_models())


def test_the_digest_of_a_first_download_holds_for_later_ones(published, tmp_path):
    folder = fetch_model(NAME, tmp_path)
    path = next(path for path in published.files if path.endswith("14m.pth"))
    digest = hashlib.sha256(published.files[path]).hexdigest()
    assert (tmp_path / "downloads" / "ram_plus_swin_large_14m.pth.sha256").read_text().strip() == digest
    shutil.rmtree(folder)
    published.files[path] += b"changed"
    with pytest.raises(CheckpointError, match="has another ram_plus_swin_large_14m.pth than was published"):
        fetch_model(NAME, tmp_path)


@pytest.fixture
def tag2text(published, tmp_path, monkeypatch):
    """A tiny Tag2Text under its published name, with its list of names."""
    name = "tag2text-swin-base"
    lists = dataclasses.replace(TAG2TEXT_LISTS, count=len(TAGS), exceptions={1: 0.7, 2: 1.0})
    tiny = dataclasses.replace(PUBLISHED[name], config=learned_config(), lists=lists)
    monkeypatch.setitem(PUBLISHED, name, tiny)
    torch.save({"model": official_state(learned_config(), len(TAGS))}, tmp_path / "tag2text.pth")
    file = PUBLISHED[name].file
    published.files |= {
        f"/spaces/{file.repository}/resolve/main/{file.name}": (tmp_path / "tag2text.pth").read_bytes(),
        "/lists/tag2text_ori_tag_list.txt": "\n".join(TAGS).encode(),
    }
    return name


def test_tag2text_is_fetched_by_its_name_and_tags_a_photo(tag2text, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    tagger = ram.load(tag2text, device="cpu")
    assert tagger.bank.vocabulary.tags == ("dog", "train", "train (2)")
    assert tagger.bank.vocabulary.thresholds == (0.68, 0.7, 1.0)
    shown = tagger.tag(Image.new("RGB", (64, 48), "gray"))
    assert len({score.probability for score in shown}) > 1
    assert {score.tag: len(score.descriptions) for score in shown} == {"dog": 1, "train": 1, "train (2)": 1}


def test_tag2texts_special_thresholds_are_of_existing_tags():
    assert max(TAG2TEXT_LISTS.exceptions) < TAG2TEXT_LISTS.count
    assert sorted(TAG2TEXT_LISTS.exceptions.values()) == [0.7] * 3 + [1.0] * 7


def converted(ended, file, folder, *flags, variant=NAME):
    """Convert by the command line; what it said on standard error, and the bank."""
    code, _, err = ended("convert", file, folder, "--variant", variant, *flags)
    assert code == 0, err
    return err, load_model(folder)[2]


def test_a_local_file_gets_the_official_lists(published, tmp_path, ended, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    err, bank = converted(ended, tmp_path / "official.pth", tmp_path / "folder")
    assert not err and bank.vocabulary.tags == ("dog", "train", "train (2)")
    assert bank.vocabulary.thresholds == (0.5, 0.68, 1.0) and bank.sentences[2][50] == "sentence 2 50"
    assert not any(path.endswith(".pth") for _, path, _ in published.asked)


def test_a_local_file_of_tag2text_gets_its_names_or_those_given(tag2text, tmp_path, ended, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "tag2text.pth"
    _, bank = converted(ended, file, tmp_path / "official", variant=tag2text)
    assert bank.vocabulary.tags == ("dog", "train", "train (2)") and bank.vocabulary.thresholds == (0.68, 0.7, 1.0)
    (tmp_path / "tags.txt").write_text("person\nman\nperson\n")
    _, bank = converted(ended, file, tmp_path / "own", "--tags", tmp_path / "tags.txt", variant=tag2text)
    assert bank.vocabulary.tags == ("person", "man", "person (2)") and bank.sentences[1] == ("man",)


def test_offline_or_with_own_names_nothing_is_asked_for(published, tmp_path, ended):
    file = tmp_path / "official.pth"
    err, bank = converted(ended, file, tmp_path / "offline", "--offline")
    assert not err and bank.vocabulary.tags == ("tag 0", "tag 1", "tag 2")
    (tmp_path / "tags.txt").write_text("dog\ntrain\ntrain\n")
    _, bank = converted(ended, file, tmp_path / "own", "--tags", tmp_path / "tags.txt")
    assert bank.vocabulary.tags == ("dog", "train", "train (2)")
    assert not published.asked


def test_without_a_network_tags_are_numbered(published, tmp_path, ended, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    published.down = True
    err, bank = converted(ended, tmp_path / "official.pth", tmp_path / "folder")
    assert err.startswith("tags are numbered, each with threshold 0.5: 127.0.0.1 answers 503 to ")
    assert err.count("\n") == 1 and bank.vocabulary.tags == ("tag 0", "tag 1", "tag 2")


def test_a_checkpoint_of_other_tags_gets_no_official_names(published, tmp_path, ended, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for tags, descriptions, sentence in [(4, 51, "204 rows but 153 descriptions"), (4, 1, "no multiple of the 3 tags")]:
        torch.save(official_state(config(), tags, descriptions), tmp_path / "own.pth")
        code, _, err = ended("convert", tmp_path / "own.pth", tmp_path / "folder", "--variant", NAME)
        assert code == 2 and sentence in err and "number the tags (--offline)" in err
        assert not (tmp_path / "folder").exists()
        _, bank = converted(ended, tmp_path / "own.pth", tmp_path / f"own-{descriptions}", "--offline")
        assert bank.embedded.embeddings.shape[:2] == (tags, descriptions)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("ram_plus_swin_large_14m.pth", "FOLDER --variant ram-plus-swin-large`, and give the folder"),
        ("ram_swin_large_14m.PTH", "FOLDER --variant ram-swin-large`, and give the folder"),
        ("mine.pth", "FOLDER --variant V`, where V is ram-plus-swin-large, "),
        ("tags.txt", "tags.txt is a file: give a model folder, or a name of `ram models`"),
        ("folder/config.json", "config.json is a file of a model folder: give the folder"),
        ("folder/model.safetensors", "model.safetensors is a file of a model folder: give the folder"),
    ],
)
def test_a_file_in_place_of_a_model_folder_says_what_to_do(tmp_path, name, sentence):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if path.parent != tmp_path:
        (path.parent / "config.json").touch()
    path.touch()
    with pytest.raises(CheckpointError) as caught:
        find_model(path)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)
    if path.suffix.lower() == ".pth":
        assert f"`ram convert {path} " in str(caught.value)
