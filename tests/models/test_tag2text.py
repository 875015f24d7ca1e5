"""Tag2Text tags: learned queries and a head a tag travel in the bank's rows, and no text has anything to say."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import ram
from ram.checkpoints.model_folder import load_model
from ram.checkpoints.official import convert_official
from ram.checkpoints.official_names import LEARNED_BANK, rename
from ram.errors import CheckpointError, TextEncoderError
from ram.models.config import LEARNED, DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.losses import asymmetric_loss
from ram.tagger_loading import load
from ram.text.vocabulary import TagVocabulary, make_unique
from tests.chat_endpoint import honours_n
from tests.checkpoints.test_official import SWIN
from tests.checkpoints.test_official import config as text_config
from tests.official import official_state

pytestmark = pytest.mark.slow

TAGS, HIDDEN = 20, 96
ATOL = 1e-5


def config(**changes):
    return ModelConfig(
        **{
            "name": "tiny",
            "image": ImageConfig("swin_tiny_patch4_window7_224", 224, options=SWIN),
            "text_encoder": LEARNED,
            "dim": 2 * HIDDEN + 1,
            "decoder": DecoderConfig(hidden=HIDDEN, heads=4, intermediate=384, layers=2),
            "max_descriptions": 1,
            "reweight": False,
        }
        | changes
    )


@pytest.fixture
def state():
    return official_state(config(), TAGS)


@pytest.fixture
def tagger(state, tmp_path):
    vocabulary = TagVocabulary(make_unique(["train", *map(str, range(TAGS - 2)), "train"]), (0.5,) * TAGS)
    folder = convert_official(state, tmp_path / "tiny", config=config(), vocabulary=vocabulary)
    return load(folder, device="cpu", dtype="float32")


@pytest.fixture
def features(tagger):
    with torch.inference_mode():
        return tagger.model.look(torch.randn(1, 3, 224, 224))


def test_each_tag_is_scored_by_its_own_query_and_head(state, tagger, features):
    query, weight, bias = (state[name] for name in LEARNED_BANK)
    with torch.inference_mode():
        aligned = tagger.model.decoder(query[None], features.tokens)[0]
        wanted = torch.stack([aligned[i] @ weight[0, i] + bias[0, i] for i in range(TAGS)])
        logits = tagger.model.score(features, tagger.bank.embedded)[0]
    torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-5)


def test_image_tokens_are_the_backbones_with_their_mean_first(tagger):
    pixels = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        patches = tagger.model.image_encoder.backbone.forward_features(pixels).flatten(1, 2)
        tokens = tagger.model.look(pixels).tokens
    torch.testing.assert_close(tokens, torch.cat([patches.mean(1, keepdim=True), patches], 1))


def test_asking_for_fewer_tags_or_in_parts_changes_no_score(tagger, features, monkeypatch):
    whole = tagger.score(features)
    few = tagger.bank.select(["7", "train", "3"])
    for score in tagger.score(features, few):
        assert score.probability == pytest.approx(whole[score.tag].probability, abs=1e-6)
    monkeypatch.setattr("ram.models.scoring.CHUNK", 3)
    np.testing.assert_allclose(tagger.score(features).probabilities, whole.probabilities, atol=1e-5)


def test_a_photo_is_tagged_and_repeated_names_are_make_unique(tagger, features):
    shown = tagger.score(features)
    assert shown["train"].probability != shown["train (2)"].probability
    assert [d.text for d in shown["train (2)"].descriptions] == ["train (2)"]
    assert tagger.kind == "Tag2Text" and len(shown) == TAGS


def test_a_tag_is_explained_by_where_its_query_looked(tagger, features):
    explained = tagger.explain(features, tagger.bank, "train (2)")
    assert explained.attention.shape == (7, 7)


def test_typed_categories_are_refused_with_one_sentence(tagger):
    with pytest.raises(TextEncoderError, match="Tag2Text knows only the tags it was trained on.*such as ram-plus-lite"):
        tagger.embed({"corgi": ["a photo of a corgi."]})


def test_typed_categories_are_refused_before_they_are_described(tagger, tmp_path, monkeypatch, ended, serve):
    endpoint = serve(honours_n)
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "photo.png")
    flags = ("--model", tmp_path / "tiny", "--describer", "openai")
    code, out, err = ended("tag", tmp_path / "photo.png", *flags, "--tags", "corgi")
    assert (code, out, endpoint.requests) == (2, "", [])
    assert err.startswith("ram tag: Tag2Text knows only the tags it was trained on") and err.count("\n") == 1
    (tmp_path / "photos.json").write_text('[{"image": "photo.png", "tags": ["corgi"]}]')
    code, _, err = ended("evaluate", tmp_path / "photos.json", *flags, "--open-set")
    assert (code, endpoint.requests) == (2, []) and "Tag2Text knows only the tags" in err


def test_a_shortlist_is_refused_with_one_sentence(tagger, features):
    with pytest.raises(ValueError, match="did not learn which texts an image is near to: leave the shortlist out"):
        tagger.shortlist(features, 1)


def test_a_bank_of_texts_is_refused(tagger, features, tmp_path):
    texts = convert_official(official_state(text_config(), 3), tmp_path / "texts", config=text_config())
    with pytest.raises(ValueError, match="this bank is of 'clip-vit-b-16'"):
        tagger.score(features, load_model(texts)[2])


def test_tied_weights_are_read_from_either_name(state, tagger):
    """The tagging head is tied to the first layers of the tag encoder, a third of which is the captioner's."""
    stored = {name.replace("tagging_head", "tag_encoder"): tensor for name, tensor in state.items()}
    stored["tag_encoder.encoder.layer.0.attention.self.key.weight"] = torch.zeros(1)
    stored["tag_encoder.encoder.layer.2.intermediate.dense.weight"] = torch.zeros(1)
    stored["text_decoder.cls.predictions.bias"] = torch.zeros(1)
    weights, rows = rename(stored)
    ours = tagger.model.state_dict()
    assert weights.keys() == ours.keys() - {"reweighting.log_scale"}
    assert all(torch.equal(weights[name], ours[name]) for name in weights)
    assert torch.equal(rows, tagger.bank.embedded.embeddings[:, 0])


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda s: s.pop("fc.b"), r"of label_embed or label_embed.weight, fc.W, fc.b the weights hold .*weight, fc.W:"),
        (lambda s: s.update(label_embed=torch.ones(TAGS, 512)), "the weights hold label_embed, label_embed.weight"),
        (lambda s: s.update({"fc.b": torch.ones(1, 9)}), r"are \(20, 96\), \(1, 20, 96\), \(1, 9\): they are not of"),
        (lambda s: s.update({"fc.bias": torch.ones(1)}), "1 entries too many, first 'head.bias'"),
        (lambda s: s["fc.W"].view(-1)[:1].fill_(torch.nan), "'label_embed' of state dict holds NaN or infinite"),
    ],
    ids=["part missing", "two banks", "two sizes", "two heads", "NaN"],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(state, change, sentence, tmp_path):
    change(state)
    with pytest.raises(CheckpointError, match=sentence):
        convert_official(state, tmp_path / "new", config=config())
    assert not (tmp_path / "new").exists()


def test_the_wrong_kind_is_named_both_ways(state, tmp_path):
    with pytest.raises(CheckpointError, match="is Tag2Text but tiny is RAM: choose its variant"):
        convert_official(state, tmp_path / "new", config=text_config(1))
    with pytest.raises(CheckpointError, match=r"is RAM\+\+ but tiny is Tag2Text: choose its variant"):
        convert_official(official_state(text_config(), 3), tmp_path / "new", config=config())


@pytest.mark.parametrize("change", [{"dim": 96}, {"max_descriptions": None}, {"reweight": True}], ids=str)
def test_a_configuration_of_learned_tags_with_texts_is_refused(change):
    with pytest.raises(ValueError, match="learned tags have"):
        config(**change)


def test_a_configuration_is_read_back(tagger):
    assert ModelConfig.from_dict(json.loads(json.dumps(config().to_dict()))).learned and tagger.config.learned


@pytest.fixture(scope="module")
def source(shared):
    """Numbers of the official network at random weights, 3,429 tags."""
    return shared / "golden" / "tag2text_tiny"


@pytest.fixture(scope="module")
def official(source):
    return json.loads((source / "config.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def inputs(source):
    return load_file(source / "inputs.safetensors")


@pytest.fixture(scope="module")
def outputs(source):
    return load_file(source / "outputs.safetensors")


@pytest.fixture(scope="module")
def folder(source, official, tmp_path_factory):
    thresholds = [official["class_threshold_default"]] * official["num_class"]
    for position, threshold in official["class_threshold_special"].items():
        thresholds[int(position)] = threshold
    for position in official["delete_tag_index"]:
        thresholds[position] = 1.0
    vocabulary = TagVocabulary(make_unique(official["tag_list"]), tuple(thresholds))
    state = load_file(source / "model.safetensors")
    folder = tmp_path_factory.mktemp("tag2text")
    return ram.convert_official(state, folder, config=config(), vocabulary=vocabulary)


def test_queries_decoder_and_logits_match_the_official_ones(folder, inputs, outputs):
    _, model, bank = load_model(folder)
    seen = []
    model.decoder.register_forward_hook(lambda module, given, result: seen.append(result))
    with torch.no_grad():
        logits = model.score(model.look(inputs["image"]), bank.embedded)
    torch.testing.assert_close(seen[0][:, :50], outputs["tagging_embed_first50"], atol=ATOL, rtol=0)
    torch.testing.assert_close(logits, outputs["logits"], atol=ATOL, rtol=0)


def test_loss_and_gradient_at_the_heads_match(folder, inputs, outputs):
    _, model, bank = load_model(folder)
    rows = bank.embedded.embeddings.clone().requires_grad_()
    logits = model.score(model.look(inputs["image"]), DescriptionEmbeddings(rows))
    loss = asymmetric_loss(logits, inputs["tag"], gamma_neg=7)
    assert loss.item() == pytest.approx(outputs["loss_tag"].item(), rel=1e-5)
    (loss * (outputs["loss_t2t"] / loss).detach()).backward()  # it is scaled to the size of the caption loss
    torch.testing.assert_close(rows.grad[None, :, 0, -1], outputs["grad.fc.b"], atol=2 * ATOL, rtol=0)


def test_the_same_tags_are_shown_as_by_the_official_code(folder, inputs, official):
    tagger = load(folder, device="cpu", dtype="float32")
    with torch.inference_mode():
        look = tagger.model.look(inputs["image"])
    plain = next(each for each in official["generate"] if not each["kwargs"])
    for picture, wanted in enumerate(plain["tags"]):
        shown = set(tagger.score(look.rows(slice(picture, picture + 1))).tags)
        in_order = [i for i, tag in enumerate(tagger.bank.vocabulary.tags) if tag in shown]
        assert " | ".join(official["tag_list"][i] for i in in_order) == wanted
