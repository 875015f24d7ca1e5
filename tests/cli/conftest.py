"""Tiny untrained models whose text encoder is made of hashed words, and photos for them."""

import numpy as np
import pytest
import torch
from PIL import Image

import ram.models.build
from ram.checkpoints.model_folder import save_model
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.cli.word_models import PRESENT, TAGS, WordsTextEncoder


@pytest.fixture
def words(monkeypatch, tmp_path):
    """The text encoder made of words can be had by its name, and nothing is in the cache."""
    monkeypatch.setitem(ram.models.build.TEXT_ENCODERS, "words", WordsTextEncoder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def offline(hash_encoder, monkeypatch, tmp_path):
    """The text encoder made of hashes can be had by its name, and nothing is in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a RAM and a RAM++; three of their tags are always over the threshold, the others never."""
    root = tmp_path_factory.mktemp("models")
    swin = {"img_size": 64, "window_size": 2, "embed_dim": 8, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
    vocabulary = TagVocabulary(TAGS, tuple(0.0 if tag in PRESENT else 1.0 for tag in TAGS))
    for name, most in (("tiny-ram", 1), ("tiny-plus", None)):
        torch.manual_seed(1)
        config = ModelConfig(
            name=name,
            image=ImageConfig("swin_tiny_patch4_window7_224", 64, options=swin),
            text_encoder="words",
            dim=16,
            decoder=DecoderConfig(hidden=32, heads=4, intermediate=64, layers=2),
            max_descriptions=most,
        )
        sentences = {tag: (f"a photo of a {tag}.", f"one {tag}", f"some {tag}")[: most or 2] for tag in TAGS}
        bank = TagEmbeddingBank.build(TagDescriptions(sentences), WordsTextEncoder(), vocabulary)
        save_model(root / name, config, ram.models.build.build_model(config), bank)
    return {folder.name: str(folder) for folder in root.iterdir()}


@pytest.fixture
def photos(tmp_path):
    """A folder with three pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (30, 40, 3), np.uint8)).save(folder / f"{i}.png")
    return folder
