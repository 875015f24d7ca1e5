"""Official checkpoints are converted whole or refused with a sentence, and nothing in them is ever run."""

import json
import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ram.checkpoints.model_folder import load_model
from ram.checkpoints.official import convert_official, fit_windows, read_state_dict
from ram.checkpoints.official_names import rename
from ram.checkpoints.registry import PUBLISHED, RAM_LISTS, PublishedModel
from ram.errors import CheckpointError
from ram.models.build import build_without_weights
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.paths import GOLDEN

TAGS, DESCRIPTIONS = 20, 51
SWIN = {"img_size": 224, "window_size": 7, "embed_dim": 16, "depths": [2, 2, 2, 2], "num_heads": [1, 2, 4, 8]}


def config(max_descriptions=None, **swin):
    return ModelConfig(
        name="tiny",
        image=ImageConfig("swin_tiny_patch4_window7_224", 224, options=SWIN | swin),
        text_encoder="clip-vit-b-16",
        dim=512,
        decoder=DecoderConfig(hidden=96, heads=4, intermediate=384, layers=2),
        max_descriptions=max_descriptions,
    )


@pytest.fixture(scope="module")
def shapes():
    """Names and shapes of a tiny official RAM++."""
    return json.loads((GOLDEN / "formula_ram_plus.json").read_text())["parameter_names"]


@pytest.fixture
def state(shapes):
    return {name: torch.randn(shape) for name, shape in shapes.items()}


@pytest.fixture
def ram_state(state):
    """State dict in RAM's form: no scale, one description per tag, the head under the tag encoder's names."""
    del state["reweight_scale"]
    state["label_embed"] = state["label_embed"][:TAGS]
    named = {name.replace("tagging_head.", "tag_encoder."): tensor for name, tensor in state.items()}
    named["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(1)
    named["tag_encoder.encoder.layer.0.attention.self.key.weight"] = torch.zeros(1)
    named["text_decoder.cls.predictions.bias"] = torch.zeros(1)
    return named


def test_every_weight_arrives_unchanged(state, tmp_path):
    folder = convert_official(state, tmp_path / "tiny", config=config())
    _, model, bank = load_model(folder)
    ours = model.state_dict()
    assert torch.equal(ours["reweighting.log_scale"], state["reweight_scale"])
    for name, official in {
        "decoder.blocks.1.expand.weight": "tagging_head.encoder.layer.1.intermediate.dense.weight",
        "decoder.blocks.1.mlp_norm.bias": "tagging_head.encoder.layer.1.output.LayerNorm.bias",
        "image_encoder.backbone.layers.1.downsample.norm.bias": "visual_encoder.layers.0.downsample.norm.bias",
    }.items():
        assert torch.equal(ours[name], state[official]), name
    assert torch.equal(bank.embedded.embeddings, state["label_embed"].reshape(TAGS, DESCRIPTIONS, 512))


def test_buffers_that_are_recomputed_are_dropped(state):
    extra = {
        "visual_encoder.layers.0.blocks.0.attn.relative_position_index": torch.zeros(1),
        "visual_encoder.layers.0.blocks.1.attn_mask": torch.zeros(1),
    }
    assert rename(state | extra)[0].keys() == rename(state)[0].keys()


def test_ram_is_read_from_the_tied_tag_encoder(state, ram_state, tmp_path):
    _, model, bank = load_model(convert_official(ram_state, tmp_path / "tiny", config=config(1)))
    wanted = state["tagging_head.encoder.layer.1.output.dense.weight"]
    assert torch.equal(model.state_dict()["decoder.blocks.1.contract.weight"], wanted)
    assert bank.embedded.embeddings.shape == (TAGS, 1, 512)


def test_the_heads_name_wins_where_tied_names_differ(ram_state):
    name = "encoder.layer.0.output.dense.bias"
    ram_state[f"tagging_head.{name}"] = torch.full((96,), 7.0)
    weights, _ = rename(ram_state)
    assert torch.equal(weights["decoder.blocks.0.contract.bias"], ram_state[f"tagging_head.{name}"])


def test_the_oldest_name_of_the_head_is_understood(state):
    old = {name.replace("tagging_head.", "vision_multi."): tensor for name, tensor in state.items()}
    assert rename(old)[0].keys() == rename(state)[0].keys()
    with pytest.raises(CheckpointError, match="both vision_multi and tagging_head"):
        rename(old | state)


def test_names_thresholds_and_sentences_come_along(state, tmp_path):
    vocabulary = TagVocabulary(tuple(f"t{i}" for i in range(TAGS)), (0.25,) * TAGS, ("名",) * TAGS)
    sentences = TagDescriptions({t: [f"{t} {i}" for i in range(DESCRIPTIONS)] for t in vocabulary.tags})
    folder = convert_official(state, tmp_path / "tiny", config=config(), vocabulary=vocabulary, descriptions=sentences)
    _, _, bank = load_model(folder)
    assert bank.vocabulary == vocabulary and bank.descriptions == sentences


def test_without_names_tags_and_descriptions_are_numbered(state, tmp_path):
    _, _, bank = load_model(convert_official(state, tmp_path / "tiny", config=config()))
    assert len(bank) == TAGS and bank.mask.all()
    assert bank.vocabulary.tags[3] == "tag 3" and bank.sentences[3][50] == "tag 3, description 51"


def test_embeddings_take_16_bit_only_where_that_loses_nothing(state, tmp_path):
    convert_official(state, tmp_path / "whole", config=config())
    state["label_embed"] = state["label_embed"].half().float()
    convert_official(state, tmp_path / "half", config=config())
    stored = {f: load_file(tmp_path / f / "bank.safetensors")["embeddings"] for f in ("whole", "half")}
    assert (stored["whole"].dtype, stored["half"].dtype) == (torch.float32, torch.float16)
    assert torch.equal(stored["half"].float(), state["label_embed"])


def test_the_bank_of_a_published_variant_is_stored_in_16_bit(state, tmp_path, monkeypatch):
    monkeypatch.setattr("ram.checkpoints.official.PUBLISHED", {"tiny": PublishedModel(config(), RAM_LISTS)})
    state["label_embed"] = torch.nn.functional.normalize(state["label_embed"], dim=-1)
    convert_official(state, tmp_path / "tiny", variant="tiny")
    stored = load_file(tmp_path / "tiny" / "bank.safetensors")["embeddings"]
    assert stored.dtype == torch.float16
    assert (stored.float() - state["label_embed"]).abs().max() <= 2**-12  # of numbers below 1


def test_what_a_training_run_kept_beside_the_weights_is_not_read(state, tmp_path):
    """The published files hold an optimizer's state, more than half of their gigabytes."""
    whole = {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}, "config": {"vit": "swin_l"}}
    torch.save(whole, tmp_path / "whole.pth")
    folder = convert_official(tmp_path / "whole.pth", tmp_path / "tiny", config=config())
    assert torch.equal(load_model(folder)[1].state_dict()["head.weight"], state["fc.weight"])


def test_window_tables_are_brought_to_the_models_window(state, tmp_path):
    name = "layers.0.blocks.0.attn.relative_position_bias_table"
    state[f"visual_encoder.{name}"] = torch.full((169, 1), 0.5)
    folder = convert_official(state, tmp_path / "tiny", config=config(img_size=448, window_size=14))
    _, model, _ = load_model(folder)
    resized = model.state_dict()[f"image_encoder.backbone.{name}"]
    torch.testing.assert_close(resized, torch.full((27**2, 1), 0.5))


@pytest.mark.slow
@pytest.mark.parametrize("size", ["base", "large"])
@pytest.mark.parametrize("old, new", [("-224", ""), ("", "-224")], ids=["224 to 384", "384 to 224"])
def test_full_size_weights_move_between_224_and_384(size, old, new):
    """Published sizes; only window tables have values here, everything else must be left alone."""
    given, wanted = (
        build_without_weights(PUBLISHED[f"ram-plus-swin-{size}{which}"].config).state_dict() for which in (old, new)
    )
    tables = {name for name in given if name.endswith("relative_position_bias_table")}
    weights = {name: torch.randn(tensor.shape) if name in tables else tensor for name, tensor in given.items()}
    fitted = fit_windows(weights, wanted)
    assert {n: t.shape for n, t in fitted.items()} == {n: t.shape for n, t in wanted.items()}
    assert len(tables) == 24
    for name, tensor in fitted.items():
        if name not in tables:
            assert tensor is weights[name]
            continue
        assert len(tensor) != len(weights[name]) and tensor.isfinite().all()
        centre, before = len(tensor) // 2, len(weights[name]) // 2  # of a patch to itself
        torch.testing.assert_close(tensor[centre], weights[name][before])


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda s: s.update({"fc.scale": torch.ones(1)}), "official weight 'fc.scale' is unknown"),
        (lambda s: s.pop("fc.bias"), "weights of 'state dict' lack 1 entries, first 'head.bias'"),
        (lambda s: s.pop("label_embed"), "has no 'label_embed'"),
        (lambda s: s.update(label_embed=torch.zeros(1020, 512)), "is all zeros: .* download the official file"),
        (
            lambda s: s["fc.weight"].view(-1)[5:6].fill_(torch.nan),
            "'head.weight' of state dict holds NaN or infinite",
        ),
        (lambda s: s["label_embed"].view(-1)[-1:].fill_(torch.inf), "'label_embed' of state dict holds NaN or"),
        (lambda s: s.update(label_embed=torch.ones(1020, 256)), r"is \(1020, 256\) but tiny needs rows of 512"),
        (lambda s: s.update(label_embed=torch.ones(512)), r"is \(512,\) but tiny needs rows of 512"),
        (lambda s: s.update({"fc.weight": torch.ones(1, 97)}), r"'head.weight' of 'state dict' is \(1, 97\)"),
        (lambda s: s.pop("reweight_scale"), r"state dict is RAM but tiny is RAM\+\+: choose its variant"),
    ],
    ids=[
        "unknown",
        "missing",
        "no bank",
        "empty bank",
        "NaN",
        "infinite bank",
        "narrow bank",
        "flat bank",
        "shape",
        "RAM as RAM++",
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(state, change, sentence, tmp_path):
    change(state)
    with pytest.raises(CheckpointError, match=sentence):
        convert_official(state, tmp_path / "tiny", config=config())
    assert not (tmp_path / "tiny").exists()


def test_ram_plus_weights_are_no_ram(state, tmp_path):
    with pytest.raises(CheckpointError, match=r"is RAM\+\+ but tiny is RAM"):
        convert_official(state, tmp_path / "tiny", config=config(1))


def test_weights_of_another_size_are_refused(state, tmp_path):
    with pytest.raises(CheckpointError, match="they are not of this variant"):
        convert_official(state, tmp_path / "tiny", config=config(embed_dim=24, num_heads=[1, 2, 4, 8]))


def test_a_tag_list_of_another_length_is_refused(state, tmp_path):
    with pytest.raises(CheckpointError, match="has 1020 rows, no multiple of the 19 tags given"):
        convert_official(state, tmp_path / "t", config=config(), vocabulary=TagVocabulary.of(map(str, range(19))))


@pytest.mark.parametrize("choice", [{}, {"variant": "ram-swin-large", "config": PUBLISHED["ram-swin-large"].config}])
def test_either_a_variant_or_a_config_is_needed(state, choice, tmp_path):
    with pytest.raises(ValueError, match="give either a variant or a config"):
        convert_official(state, tmp_path / "tiny", **choice)


def test_an_unknown_variant_is_refused_with_those_there_are(state, tmp_path):
    with pytest.raises(ValueError, match="variant 'ram-huge' is unknown: choose one of ram-plus-swin-large, "):
        convert_official(state, tmp_path / "tiny", variant="ram-huge")


def test_a_checkpoint_file_is_read_with_and_without_its_wrapping(state, tmp_path):
    for number, content in enumerate([state, {"model": state, "epoch": 3}]):
        file = tmp_path / f"{number}.pth"
        torch.save(content, file)
        read = read_state_dict(file)
        assert read.keys() == state.keys() and torch.equal(read["fc.weight"], state["fc.weight"])


class Intruder:
    """A pickle that makes a file when it is loaded carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_code_in_a_checkpoint_is_not_run(legacy, tmp_path):
    mark, file = tmp_path / "broken-in", tmp_path / "evil.pth"
    torch.save({"model": Intruder(mark)}, file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match="evil.pth is no checkpoint or holds more than tensors"):
        convert_official(file, tmp_path / "tiny", variant="ram-plus-swin-base")
    assert not mark.exists() and not (tmp_path / "tiny").exists()
    torch.load(file, weights_only=False)  # the same file does harm where code may run
    assert mark.exists()


def test_a_bare_pickle_is_not_run(tmp_path):
    mark, file = tmp_path / "broken-in", tmp_path / "evil.pth"
    file.write_bytes(pickle.dumps(Intruder(mark), protocol=2))
    with pytest.raises(CheckpointError, match="evil.pth"):
        read_state_dict(file)
    assert not mark.exists()


def test_a_file_cut_short_is_refused_wherever_it_ends(tmp_path):
    for legacy in (False, True):
        file = tmp_path / "cut.pth"
        torch.save({"model": {"fc.weight": torch.randn(1, 96)}}, file, _use_new_zipfile_serialization=not legacy)
        whole = file.read_bytes()
        for length in [*range(0, len(whole), 37), len(whole) - 1]:
            file.write_bytes(whole[:length])
            with pytest.raises(CheckpointError, match="cut.pth"):
                read_state_dict(file)


@pytest.mark.parametrize("content", [[1], {"model": {"epoch": 3}}, {"model": None}, {1: torch.ones(2)}], ids=str)
def test_a_file_without_a_state_dict_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="other.pth holds no state dict"):
        read_state_dict(tmp_path / "other.pth")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_damaged_file_is_refused_whatever_the_damage(tmp_path):
    """Among these are files at which torch stops with a KeyError, an IndexError, an AssertionError..."""
    file = tmp_path / "damaged.pth"
    torch.save({"model": {"fc.weight": torch.randn(1, 96)}}, file, _use_new_zipfile_serialization=False)
    whole, draw = file.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[draw.randrange(len(whole))] = draw.randrange(256)
        file.write_bytes(damaged)
        try:
            read_state_dict(file)
        except CheckpointError as error:
            assert "damaged.pth" in str(error)


def test_a_text_a_folder_and_no_file_are_refused(tmp_path):
    (tmp_path / "page.pth").write_text("<html>404</html>")
    (tmp_path / "folder").mkdir()
    for name, sentence in {
        "page.pth": "page.pth is no checkpoint",
        "folder": "folder cannot be read as a checkpoint",
        "none.pth": "there is no file 'none.pth'",
    }.items():
        with pytest.raises(CheckpointError, match=sentence):
            read_state_dict(tmp_path / name)
