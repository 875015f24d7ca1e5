"""Exported graphs give the logits of the network, for any batch, tags and descriptions, and without torch."""

import csv
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.text_encoder import MiniLMTextEncoder
from ram.tagger import Tagger
from tests.paths import ROOT
from tests.tiny import HashTextEncoder, tiny_bank, whole_config, whole_model
from tests.web.test_scripts import SENTENCES

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra ram[onnx]")
pytest.importorskip("onnxscript", reason="needs the extra ram[onnx]")
pytestmark = pytest.mark.slow  # the exporter takes seconds a graph
WITHOUT_TORCH = ROOT / "ram-onnx"
CLOSE = 1e-4


@pytest.fixture(scope="module")
def tagger():
    torch.manual_seed(0)
    return Tagger(whole_config(), whole_model(), tiny_bank(), HashTextEncoder)


@pytest.fixture(scope="module")
def folder(tagger, tmp_path_factory):
    from ram.export.onnx_folder import export_onnx

    made = tmp_path_factory.mktemp("onnx")
    export_onnx(tagger, made)
    return made


@pytest.fixture
def run(folder):
    def run(name, **inputs):
        session = onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
        return session.run(None, {key: np.asarray(value) for key, value in inputs.items()})

    return run


@pytest.mark.parametrize(("photos", "tags", "descriptions"), [(1, 1, 1), (3, 9, 4)])
def test_look_and_score_take_any_batch_tags_and_descriptions(tagger, run, photos, tags, descriptions):
    pixels, mask = torch.randn(photos, 3, 64, 64), torch.rand(tags, descriptions) > 0.5
    mask[:, 0] = True
    embeddings = torch.nn.functional.normalize(torch.randn(tags, descriptions, 16), dim=-1) * mask[..., None]
    features = tagger.look_at_pixels(pixels)
    expected = tagger.score_batch(features, DescriptionEmbeddings(embeddings, mask))
    tokens, classes = run("look.onnx", pixels=pixels)
    assert np.abs(tokens - features.tokens.numpy()).max() < CLOSE
    logits, weights = run("score.onnx", tokens=tokens, classes=classes, embeddings=embeddings, mask=mask)
    assert np.abs(logits - expected.logits.numpy()).max() < CLOSE
    assert np.abs(weights - expected.weights.numpy()).max() < CLOSE


def test_a_model_without_reweighting_takes_any_batch(tmp_path):
    from ram.export.onnx_graphs import write_score

    model = whole_model(config=dataclasses.replace(whole_config(), reweight=False))
    write_score(tmp_path / "score.onnx", model, 64, 16)
    with torch.no_grad():
        features = model.look(torch.randn(3, 3, 64, 64))
        bank = torch.nn.functional.normalize(torch.randn(5, 1, 16), dim=-1)
        expected = model.score(features, DescriptionEmbeddings(bank)).numpy()
    session = onnxruntime.InferenceSession(tmp_path / "score.onnx", providers=["CPUExecutionProvider"])
    inputs = {"tokens": features.tokens, "classes": features.class_probabilities, "embeddings": bank}
    inputs = {name: tensor.numpy() for name, tensor in inputs.items()} | {"mask": np.ones((5, 1), bool)}
    assert np.abs(session.run(["logits"], inputs)[0] - expected).max() < CLOSE


def test_the_baked_graph_takes_pixels_as_wd_taggers_give_them(tagger, folder, run):
    photos = [Image.effect_noise((80, 50), 90).convert("RGB"), Image.new("RGB", (30, 30), "teal")]
    resized = [np.asarray(photo.resize((64, 64), Image.Resampling.BILINEAR), np.float32) for photo in photos]
    (found,) = run("model.onnx", pixels=np.stack(resized)[..., ::-1])
    expected = np.stack([prediction.probabilities for prediction in tagger.tag(photos)])
    assert np.abs(found - expected).max() < CLOSE
    tags = tagger.bank.vocabulary.tags
    with open(folder / "selected_tags.csv", newline="") as file:
        assert tuple(row["name"] for row in csv.DictReader(file) if row["category"] == "0") == tags
    assert tuple((folder / "labels.txt").read_text().splitlines()) == tags
    assert tuple(map(float, (folder / "thresholds.txt").read_text().splitlines())) == tagger.bank.vocabulary.thresholds


def test_weights_in_16_bit_change_next_to_nothing(folder, tmp_path):
    from ram.export.onnx_precision import store_half

    half = tmp_path / "look.onnx"
    half.write_bytes((folder / "look.onnx").read_bytes())
    store_half(half)
    assert half.stat().st_size < 0.8 * (folder / "look.onnx").stat().st_size
    pixels = np.random.default_rng(0).standard_normal((2, 3, 64, 64), np.float32)
    both = [
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"pixels": pixels})[0]
        for path in (half, folder / "look.onnx")
    ]
    assert 0 < np.abs(both[0] - both[1]).max() < 0.05


def test_int8_is_calibrated_by_example_photos(folder, tmp_path):
    from ram.export.onnx_precision import quantize

    random = np.random.default_rng(0)
    examples = [{"pixels": random.standard_normal((1, 3, 64, 64), np.float32)} for _ in range(4)]
    quantize(folder / "look.onnx", tmp_path / "look.onnx", examples)
    both = [
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, examples[0])[0]
        for path in (tmp_path / "look.onnx", folder / "look.onnx")
    ]
    assert 0 < np.abs(both[0] - both[1]).mean() < 0.5 * np.abs(both[1]).mean()


def test_the_module_without_torch_gives_the_same_tags(tagger, folder, tmp_path):
    photo = tmp_path / "photo.png"
    Image.effect_noise((90, 70), 80).convert("RGB").save(photo)
    program = (
        "import json, sys\nfrom ram_onnx import OnnxTagger\n"
        "tagger = OnnxTagger(sys.argv[1], threads=1)\nlook = tagger.look(sys.argv[2])\n"
        "scores = tagger.score(look).tolist()\n"
        "print(json.dumps([scores, tagger.tag(sys.argv[2]), 'torch' in sys.modules, 'ram' in sys.modules]))"
    )
    command = [sys.executable, "-c", program, folder, photo]
    ran = subprocess.run(command, cwd=WITHOUT_TORCH, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    scores, tags, *heavy = json.loads(ran.stdout)
    prediction = tagger.tag(photo)
    assert heavy == [False, False] and np.abs(np.array(scores) - prediction.probabilities).max() < 1e-3
    assert [name for name, _ in tags] == prediction.tags


def test_what_cannot_be_exported_is_named(tagger, tmp_path, ended):
    from ram.export.onnx_folder import export_onnx

    with pytest.raises(InputError, match="precision 'int4' is unknown: choose one of float32, float16"):
        export_onnx(tagger, tmp_path, "int4")
    code, _, err = ended("export", "onnx", tmp_path / "x", "--model", "no-such-model")
    assert code == 2 and "there is no model or model folder" in err


def test_the_text_encoder_gives_its_embeddings_for_any_sentences(tmp_path):
    from ram.export.onnx_graphs import write_embed

    encoder, sentences = MiniLMTextEncoder(), ["a photo of a corgi.", "a very long-legged bird by the sea.", "snow"]
    write_embed(tmp_path / "embed.onnx", encoder)
    session = onnxruntime.InferenceSession(str(tmp_path / "embed.onnx"))
    encoded = encoder.tokenizer.encode_batch(sentences)
    given = {"ids": [one.ids for one in encoded], "mask": [one.attention_mask for one in encoded]}
    (embeddings,) = session.run(None, {name: np.array(rows) for name, rows in given.items()})
    np.testing.assert_allclose(embeddings, encoder.encode(sentences).numpy(), atol=1e-4)


def test_the_module_without_torch_splits_sentences_as_tokenizers_does(monkeypatch):
    monkeypatch.syspath_prepend(str(WITHOUT_TORCH))
    from ram_onnx import MAX_TOKENS, WordPieces

    tokenizer = MiniLMTextEncoder().tokenizer
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    pieces = WordPieces(tokenizer.get_vocab())
    for sentence in (*SENTENCES, "word " * 400):
        assert pieces.encode(sentence) == tokenizer.encode(sentence).ids, sentence
