"""A data set of coloured pictures and recipes for it, small enough to train on within a test."""

import json

import numpy as np
import torch
from PIL import Image

from ram.models.captioner_config import CaptionerConfig
from ram.models.config import LEARNED, DecoderConfig, ImageConfig, ModelConfig, learned_width
from ram.text.small_wordpiece import FIRST
from ram.text.wordpiece import WordPiece
from ram.training.recipe import CaptionRecipe, DataRecipe, GeneratedRecipe, LossRecipe, Recipe, ScheduleRecipe
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
    """Write ``train.json``, ``dev.json``, their pictures, ``tags.csv``, ``descriptions.json`` and ``words.txt``."""
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
            parsed = [ids, [tags.index(right)]]
            entries.append(
                {
                    "image_path": f"{split}{number}.png",
                    "caption": captions,
                    "union_label_id": ids,
                    "parse_label_id": parsed,
                }
            )
        (folder / f"{split}.json").write_text(json.dumps(entries))
    (folder / "tags.csv").write_text("tag,threshold,translation\n" + "".join(f"{tag},0.5,\n" for tag in tags))
    (folder / "descriptions.json").write_text(json.dumps([{tag: [f"all {tag}", f"{tag} paint"]} for tag in tags]))
    WORDS.save(folder / "words.txt")
    return folder


WORDS = WordPiece(
    (
        *FIRST, *"a picture of | ; beside in train dev turns".split(), *COLOURS,
        *"0123456789", *(f"##{i}" for i in range(10)),
    )  # fmt: skip
)
"""Pieces of all captions of :func:`make_data`."""


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
    model=None, objectives=None, freeze_backbone=True, views=2, teacher="", pretrained=False, generated=None,
    captions=None, losses=None, **schedule,
):  # fmt: skip
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
        losses=losses or LossRecipe(),
        generated=generated or GeneratedRecipe(),
        captions=captions or CaptionRecipe(),
        pretrained=pretrained,
        freeze_backbone=freeze_backbone,
    )


def toy_tag2text(decoder=None, **captioner):
    """A Tag2Text of a few thousand weights; ``captioner`` changes its captioner's configuration."""
    sizes = {"hidden": 24, "heads": 2, "intermediate": 48, "encoder_layers": 2, "decoder_layers": 1, "tied_layers": 1}
    limits = {"positions": 24, "tag_tokens": 12, "min_length": 5, "max_length": 14, "attend_padding": False}
    decoder = decoder or DecoderConfig(hidden=24, heads=4, intermediate=48, layers=1)
    return ModelConfig(
        name="toy",
        image=toy_model().image,
        text_encoder=LEARNED,
        dim=learned_width(decoder.hidden),
        decoder=decoder,
        max_descriptions=1,
        reweight=False,
        captioner=CaptionerConfig(**(sizes | limits | {"shared_words": True} | captioner)),
    )


def toy_captioning(model=None, captions=None, **changes):
    """A run on :func:`make_data` that learns tags and captions together."""
    return toy_recipe(
        model or toy_tag2text(),
        {"tagging": 1.0, "captioning": 1.0},
        captions=captions or CaptionRecipe(words="words.txt", tokens=20, together=4),
        losses=LossRecipe(tagging_scaled_to="captioning"),
        **changes,
    )


def use_sure_classifier(monkeypatch, classes):
    """Let the ImageNet classifier of the toy backbone, which has none, always see the same classes alike."""
    bias = torch.zeros(1000)
    bias[list(classes)] = 50.0
    classifier = (torch.zeros(1000, 256), bias)
    monkeypatch.setattr("ram.training.data.class_reading.load_classifier", lambda name: classifier)
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
