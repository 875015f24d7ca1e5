"""A script written for the official package gives the tags of our own interface."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from ram import compat
from ram.checkpoints.registry import PUBLISHED
from ram.errors import CheckpointError, InputError
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.captioners import let_caption
from tests.checkpoints.test_official import config
from tests.official import official_state

NAME, TAGS, CHINESE = "ram-plus-swin-large-224", ("dog", "cat", "train"), ("狗", "猫", "火车")


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A tiny official RAM++ checkpoint, with lists that need no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(PUBLISHED, NAME, dataclasses.replace(PUBLISHED[NAME], config=config()))
    lists = TagVocabulary(TAGS, (0.3, 0.5, 1.0), CHINESE), TagDescriptions({tag: ["a photo."] * 51 for tag in TAGS})
    monkeypatch.setattr("ram.compat.fetch_lists", lambda variant, cache: lists)
    torch.save({"model": official_state(config(), len(TAGS))}, tmp_path / "ram_plus.pth")
    return str(tmp_path / "ram_plus.pth")


@pytest.fixture
def picture():
    return Image.effect_noise((90, 60), 80).convert("P")


def test_an_official_script_gives_the_tags_of_our_tagger(checkpoint, picture):
    model = compat.ram_plus(pretrained=checkpoint, image_size=224, vit="swin_l").eval().to("cpu")
    pixels = compat.get_transform(image_size=224)(picture).unsqueeze(0)
    found = {score.tag for score in model.tagger.tag(picture.convert("RGB")) if score.present}
    english, chinese = compat.inference_ram(pixels, model)
    assert set(filter(None, english.split(" | "))) == found and compat.inference_ram_plus is compat.inference_ram
    assert len(english.split(" | ")) == len(chinese.split(" | "))
    model.class_threshold = torch.zeros(3)  # as scripts do to see every tag
    assert compat.inference_ram(pixels, model) == ("dog | cat | train", "狗 | 猫 | 火车")
    assert model.generate_tag(torch.cat([pixels, pixels]))[0] == ["dog | cat | train"] * 2


def test_a_checkpoint_is_converted_once(checkpoint, monkeypatch):
    compat.ram_plus(checkpoint, 224)
    monkeypatch.setattr("ram.compat.convert_official", None)
    assert compat.ram_plus(checkpoint, 224).num_class == 3


def test_a_script_sets_an_open_vocabulary(checkpoint, picture):
    model = compat.ram_plus(checkpoint, 224)
    pixels = compat.get_transform(224)(picture)[None]
    model.tag_list, model.num_class = np.array(["corgi", "kite"]), 2
    model.label_embed = torch.nn.Parameter(torch.nn.functional.normalize(torch.randn(2 * 7, 512), dim=-1))
    model.class_threshold = torch.zeros(2)
    assert compat.inference_ram_openset(pixels, model) == "corgi | kite"
    model.class_threshold = torch.tensor([0.0, 1.0])
    assert compat.inference_ram_openset(pixels, model) == "corgi"
    model.num_class = 3
    with pytest.raises(InputError, match="label_embed has 14 rows, which 3 classes do not divide"):
        compat.inference_ram_openset(pixels, model)


def test_tag2text_scripts_get_tags_and_a_caption(checkpoint, picture, monkeypatch):
    let_caption(monkeypatch)
    model = compat.ram_plus(checkpoint, 224)
    model.class_threshold = torch.zeros(3)
    pixels = compat.get_transform(224)(picture)[None]
    tags, given, caption = compat.inference_tag2text(pixels, model, "dog,grass")
    assert (tags, given) == ("dog | cat | train", "dog | grass") and caption.startswith("a picture of dog and grass of")
    assert compat.inference_tag2text(pixels, model)[1] == "None"


def test_unknown_variants_and_files_are_named(checkpoint):
    with pytest.raises(InputError, match="no variant with vit='swin_t' and image_size=224"):
        compat.ram_plus(checkpoint, 224, "swin_t")
    with pytest.raises(CheckpointError, match="no model or model folder"):
        compat.ram_plus("missing.pth")


def test_the_transform_is_that_of_the_official_package(picture):
    transforms = pytest.importorskip("torchvision.transforms")
    official = transforms.Compose([
        transforms.Resize((64, 64)), transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ])  # fmt: skip
    expected = official(picture.convert("RGB"))
    assert torch.allclose(compat.get_transform(64)(picture), expected, atol=1e-6)
