"""A model folder comes back exactly, or one sentence says which file is wrong."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import load_file, save_file

from ram.checkpoints import model_folder
from ram.checkpoints.model_folder import load_model, save_model, save_weights
from ram.checkpoints.registry import PUBLISHED, find_model, list_models, model_entries
from ram.errors import CheckpointError
from tests.tiny import tiny_bank, tiny_config, tiny_model, tiny_pixels, whole_config, whole_model


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "tiny", tiny_config(), tiny_model(), tiny_bank())
    return tmp_path / "tiny"


def edit_config(folder, change):
    values = json.loads((folder / "config.json").read_text())
    change(values)
    (folder / "config.json").write_text(json.dumps(values))


def edit_weights(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


def test_a_saved_model_gives_the_same_scores(folder):
    original, bank = tiny_model(), tiny_bank()
    config, model, loaded = load_model(folder)
    assert config == tiny_config() and not model.training
    with torch.no_grad():
        wanted = original.score(original.look(tiny_pixels()), bank.embedded)
        assert torch.equal(model.score(model.look(tiny_pixels()), loaded.embedded), wanted)


@pytest.mark.parametrize("half", [False, True])
def test_a_model_of_all_parts_comes_back_with_the_same_scores(tmp_path, half):
    original, bank = whole_model(), tiny_bank().to("cpu", torch.float16)
    if half:  # what 16 bit cannot hold, it does not hold before either
        for tensor in original.state_dict().values():
            tensor.copy_(tensor.half() if tensor.ndim >= 2 else tensor)
    save_model(tmp_path / "whole", whole_config(), original, bank, half=half)
    config, model, loaded = load_model(tmp_path / "whole")
    assert config == whole_config() and loaded.embedded.embeddings.dtype == torch.float16
    with torch.no_grad():
        wanted = original.score(original.look(tiny_pixels()), bank.embedded.to("cpu", torch.float32))
        scores = model.score(model.look(tiny_pixels()), loaded.embedded.to("cpu", torch.float32))
    assert torch.equal(scores, wanted)


def test_a_classifier_that_is_missing_is_named(tmp_path):
    save_model(tmp_path / "whole", whole_config(), whole_model(), tiny_bank())
    edit_weights(tmp_path / "whole", lambda weights: weights.pop("image_encoder.words.words"))
    with pytest.raises(CheckpointError, match="weights of 'whole' lack 1 entries, first 'image_encoder.words.words'"):
        load_model(tmp_path / "whole")


def test_classes_of_an_older_folder_are_described_by_their_words(tmp_path):
    model = whole_model()
    save_model(tmp_path / "old", whole_config(), model, tiny_bank())
    edit_weights(tmp_path / "old", lambda weights: weights.pop("image_encoder.words.glosses"))
    torch.testing.assert_close(load_model(tmp_path / "old").model.words.glosses, model.words.described)
    edit_weights(tmp_path / "old", lambda weights: weights.pop("image_encoder.words.described"))
    loaded = load_model(tmp_path / "old").model
    torch.testing.assert_close(loaded.words.described, model.words.words)
    torch.testing.assert_close(loaded.words.glosses, model.words.words)
    save_model(tmp_path / "again", whole_config(), loaded, tiny_bank())  # in memory of their own


def test_two_writers_of_one_folder_do_not_collide(tmp_path, monkeypatch):
    both_wrote, save = threading.Barrier(2, timeout=20), model_folder.save_file

    def save_and_wait(*arguments, **options):
        save(*arguments, **options)
        both_wrote.wait()  # so that neither has put its file in place yet

    save_model(tmp_path / "tiny", tiny_config(), tiny_model(), tiny_bank())
    monkeypatch.setattr(model_folder, "save_file", save_and_wait)
    weights = tiny_model().state_dict()
    with ThreadPoolExecutor(2) as pool:
        writes = [pool.submit(save_weights, tmp_path / "tiny", tiny_config(), weights) for _ in range(2)]
        assert [write.result() for write in writes] == [None, None]
    assert load_model(tmp_path / "tiny").config == tiny_config()
    assert not list((tmp_path / "tiny").glob("*partial*")) and not list((tmp_path / "tiny").glob(".*"))


def test_a_folder_is_five_files(folder):
    assert {file.name for file in folder.iterdir()} == {
        "config.json", "model.safetensors", "bank.safetensors", "vocabulary.csv", "descriptions.json"
    }  # fmt: skip


def test_weights_stored_in_16_bit_are_loaded_in_32(folder):
    edit_weights(folder, lambda w: w.update({n: t.half() for n, t in w.items() if t.is_floating_point()}))
    _, model, _ = load_model(folder)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "bank.safetensors", "vocabulary.csv", "descriptions.json"]
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f"model folder 'tiny' lacks {name}: copy or convert it again"):
        load_model(folder)


@pytest.mark.parametrize("length", [0, 7, 200, -1])
def test_weights_cut_short_are_refused(folder, length):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="model.safetensors of 'tiny' cannot be read"):
        load_model(folder)


def test_a_missing_weight_is_named(folder):
    edit_weights(folder, lambda weights: weights.pop("head.bias"))
    with pytest.raises(CheckpointError, match="weights of 'tiny' lack 1 entries, first 'head.bias'"):
        load_model(folder)


def test_a_weight_too_many_is_named(folder):
    edit_weights(folder, lambda weights: weights.update({"head.scale": torch.ones(1)}))
    with pytest.raises(CheckpointError, match="hold 1 entries too many, first 'head.scale'"):
        load_model(folder)


def test_a_weight_of_another_shape_is_named(folder):
    edit_weights(folder, lambda weights: weights.update({"head.weight": torch.ones(1, 25)}))
    with pytest.raises(CheckpointError, match=r"'head.weight' of 'tiny' is \(1, 25\) but .* asks for \(1, 24\)"):
        load_model(folder)


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda c: c.update(colour=1), r"config.json of 'tiny' cannot be read: config has unknown fields \['colour'\]"),
        (lambda c: c.pop("dim"), r"config lacks the fields \['dim'\]"),
        (lambda c: c["image"].update(size="big"), r"config\.image\.size is 'big'"),
        (lambda c: c["image"].update(backbone="hf-hub:a/b"), "timm has no backbone named 'hf-hub:a/b'"),
        (lambda c: c["decoder"].update(layers=3), "lack .* entries, first 'decoder.blocks.2"),
        (lambda c: c.update(text_encoder="minilm-l6"), "was made by 'hash' but its model needs 'minilm-l6'"),
    ],
    ids=["unknown field", "missing field", "wrong kind", "address as backbone", "more layers", "text encoder"],
)
def test_a_config_that_does_not_fit_is_refused(folder, change, sentence):
    edit_config(folder, change)
    with pytest.raises(CheckpointError, match=sentence):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xff"])
def test_a_config_that_is_no_json_object_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match="config.json of 'tiny' cannot be read"):
        load_model(folder)


def test_a_bank_of_another_width_is_refused(folder):
    narrow = load_file(folder / "bank.safetensors")["embeddings"][:, :8].contiguous()
    save_file({"embeddings": narrow}, folder / "bank.safetensors")
    with pytest.raises(CheckpointError, match="the bank of 'tiny' is 8 wide but config.json says 16"):
        load_model(folder)


def test_a_model_is_found_by_folder_or_by_name(folder):
    assert find_model(folder) == folder and find_model(str(folder)) == folder
    for entry in model_entries():
        if entry.source == "shipped":
            assert (find_model(entry.name) / "config.json").is_file()


def test_shipped_models_are_listed_before_published_ones():
    sources = [entry.source for entry in model_entries()]
    assert sources == sorted(sources, key=lambda source: source != "shipped")
    assert list_models()[-len(PUBLISHED) :] == list(PUBLISHED)
    assert all(entry.summary.startswith(("RAM, ", "RAM++, ", "Tag2Text, ")) for entry in model_entries())


def test_a_published_name_says_how_to_get_it():
    with pytest.raises(CheckpointError, match="run `ram convert FILE.pth FOLDER --variant ram-plus-swin-large`"):
        find_model("ram-plus-swin-large")


@pytest.mark.parametrize("name", ["no-such-model", ""])
def test_an_unknown_name_is_repeated(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=f"there is no model or model folder '{name}'"):
        find_model(name)
