"""A data set of coloured pictures and recipes for it, small enough to train on within a test."""

import json

import numpy as np
import torch
from PIL import Image

from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.training.recipe import DataRecipe, GeneratedRecipe, Recipe, ScheduleRecipe
from tests.tiny import DIM, HashTextEncoder

COLOURS = {
    "red": (210, 40, 40),
    "green": (40, 190, 60),
    "blue": (40, 60, 210),
    "yellow": (220, 210, 50),
    "white": (235, 235, 235),
    "black": (20, 20, 20),
}
"""Tag to what it looks like."""


def draw(left, right, seed=0):
    """A noisy picture, its halves in two colours."""
    pixels = np.empty((32, 32, 3))
    pixels[:, :16], pixels[:, 16:] = COLOURS[left], COLOURS[right]
    noise = np.random.default_rng(seed).normal(0, 12, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def make_data(folder, train=24, dev=12):
    """Write ``train.json``, ``dev.json``, their pictures, ``tags.csv`` and ``descriptions.json``; gives the folder."""
    rng = np.random.default_rng(0)
    tags = list(COLOURS)
    (folder / "pictures").mkdir(parents=True)
    for split, size in (("train", train), ("dev", dev)):
        entries = []
        for number in range(size):
            left, right = rng.choice(tags, 2, replace=False)
            draw(left, right, rng.integers(2**31)).save(folder / "pictures" / f"{split}{number}.png")
            captions = [f"{left} beside {right} in {split} {number}.", f"picture {number} of {split} turns {right}."]
            ids = sorted((tags.index(left), tags.index(right)))
            entries.append({"image_path": f"{split}{number}.png", "caption": captions, "union_label_id": ids})
        (folder / f"{split}.json").write_text(json.dumps(entries))
    (folder / "tags.csv").write_text("tag,threshold,translation\n" + "".join(f"{tag},0.5,\n" for tag in tags))
    (folder / "descriptions.json").write_text(json.dumps([{tag: [f"all {tag}", f"{tag} paint"]} for tag in tags]))
    return folder


def toy_model(**image):
    """A RAM++ of a few thousand weights that learns from standardised patches."""
    image = {"backbone": "test_efficientnet", "size": 64, "standardize": True, "normalize_tokens": True, **image}
    return ModelConfig(
        name="toy",
        image=ImageConfig(**image),
        text_encoder=HashTextEncoder.name,
        dim=DIM,
        decoder=DecoderConfig(hidden=24, heads=4, intermediate=48, layers=1),
        standardize_text=True,
    )


def toy_recipe(
    model=None, objectives=None, freeze_backbone=True, views=2, teacher="", pretrained=False, generated=None, **schedule
):
    """A run on :func:`make_data` that uses every part of training, and all randomness there is."""
    schedule = {
        "epochs": 3, "batch": 6, "learning_rate": 3e-3, "average": 0.9, "tags_per_step": 5,
        "captions_per_picture": 2, "precision": "float32", "seed": 3, **schedule,
    }  # fmt: skip
    return Recipe(
        model or toy_model(),
        DataRecipe(
            ("train.json",), ("pictures",), "tags.csv", "descriptions.json", ("dev.json", "pictures"), views=views
        ),
        ScheduleRecipe(**schedule),
        objectives or {"tagging": 1.0, "alignment": 1.0, "contrastive": 0.5},
        teacher=teacher,
        generated=generated or GeneratedRecipe(),
        pretrained=pretrained,
        freeze_backbone=freeze_backbone,
    )


def use_sure_classifier(monkeypatch, classes):
    """Let the ImageNet classifier of the toy backbone, which has none, always see the same classes alike."""
    bias = torch.zeros(1000)
    bias[list(classes)] = 50.0
    classifier = (torch.zeros(1000, 256), bias)
    monkeypatch.setattr("ram.training.data_engine.imagenet.load_classifier", lambda name: classifier)
    monkeypatch.setattr("ram.training.initial.load_pretrained", lambda backbone, name: None)


TOML = """
pretrained = false

[model]
name = "toy"
text_encoder = "hash"
dim = 16
decoder = {hidden = 24, heads = 4, intermediate = 48, layers = 1}

[model.image]
backbone = "test_efficientnet"
size = 64
standardize = true
normalize_tokens = true

[data]
triplets = ["train.json"]
pictures = ["pictures"]
vocabulary = "tags.csv"
descriptions = "descriptions.json"
dev = ["dev.json", "pictures"]

[schedule]
epochs = 2
batch = 6
learning_rate = 3e-3
"""
"""A recipe file for :func:`make_data`."""


def use_hash_text_encoder(monkeypatch):
    """Let training find the text encoder that needs no weights."""
    monkeypatch.setattr("ram.training.data.training_set.build_text_encoder", lambda name: HashTextEncoder())


def curve(run, steps=False):
    """Lines of the learning curve: those of epochs, or those of steps."""
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [line for line in lines if ("step" in line) == steps]
