"""Pictures in, predictions out: one look serves every question, from any thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

import ram
from ram.checkpoints.model_folder import save_model
from ram.errors import CheckpointError, ImageError, TextEncoderError
from ram.images.transforms import EvalTransform
from ram.models.scoring import CHUNK
from ram.tagger import Tagger
from ram.tagger_loading import load
from ram.text.bank import TagEmbeddingBank
from tests.tiny import (
    DESCRIPTIONS,
    HashTextEncoder,
    tiny_bank,
    tiny_config,
    tiny_model,
    tiny_tagger,
    whole_config,
    whole_model,
)

CORGI = {"corgi": ["short legs", "the face of a fox"], "meteor shower": ["a streak of light"]}


def picture(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (50, 70, 3), dtype=np.uint8))


@pytest.fixture
def tagger():
    return tiny_tagger()


@pytest.fixture
def looks(tagger):
    """One entry for every time that the image encoder runs."""
    seen = []
    tagger.model.image_encoder.register_forward_hook(lambda module, inputs, output: seen.append(output))
    return seen


def probabilities(prediction):
    return {score.tag: score.probability for score in prediction}


def test_a_prediction_is_the_sigmoid_of_the_networks_logits(tagger):
    config, bank = tiny_config(), tiny_bank()
    model = tiny_model(config)
    pixels = EvalTransform(64, config.image.mean, config.image.std, "bilinear")(picture())[None]
    with torch.no_grad():
        logits, weights = model.align(model.look(pixels), bank.embedded)
    prediction = tagger.tag(picture())
    np.testing.assert_allclose(prediction.probabilities, 1 / (1 + np.exp(-logits[0].numpy())), atol=1e-6)
    np.testing.assert_allclose(prediction.weights, weights[0], atol=1e-6)
    assert prediction.vocabulary == bank.vocabulary


def test_weights_stand_beside_their_own_sentences(tagger):
    prediction = tagger.tag(picture())
    features = tagger.look(picture())
    for tag, sentences in DESCRIPTIONS.items():
        alone = torch.stack([HashTextEncoder.vector(s) for s in sentences])
        towards = torch.nn.functional.normalize(features.pooled[0], dim=0)
        wanted = (alone @ towards * tagger.model.reweighting.log_scale.exp()).softmax(0)
        found = {d.text: d.weight for d in prediction[tag].descriptions}
        assert found == pytest.approx(dict(zip(sentences, wanted.tolist(), strict=True)), abs=1e-5)


def test_a_path_a_picture_and_a_list_are_tagged_alike(tagger, tmp_path):
    path = tmp_path / "picture.png"
    picture().save(path)
    wanted = probabilities(tagger.tag(picture()))
    assert probabilities(tagger.tag(path)) == probabilities(tagger.tag(str(path))) == wanted
    several = tagger.tag([path, picture(1), picture()])
    assert [probabilities(p) == pytest.approx(wanted, abs=1e-4) for p in several] == [True, False, True]
    assert tagger.tag([]) == []


def test_a_file_that_is_no_picture_gets_a_sentence(tagger, tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(ImageError, match="notes.jpg"):
        tagger.tag(tmp_path / "notes.jpg")


def test_one_look_serves_many_questions(tagger, looks):
    features = tagger.look(picture())
    bank = tagger.embed(CORGI)
    for asked in (None, bank, bank.select(["corgi"]), tagger.bank.join(bank)):
        tagger.score(features, asked)
    assert len(looks) == 1


def test_asking_for_more_tags_changes_no_score(tagger):
    features, bank = tagger.look(picture()), tagger.embed(CORGI)
    apart = probabilities(tagger.score(features)) | probabilities(tagger.score(features, bank))
    together = probabilities(tagger.score(features, tagger.bank.join(bank)))
    assert together == pytest.approx(apart, abs=1e-6)


def test_a_vocabulary_larger_than_a_chunk_is_scored_whole(tagger):
    many = tagger.embed({f"tag {i}": [f"sentence {i}"] for i in range(CHUNK + 3)})
    features = tagger.look(picture())
    found = probabilities(tagger.score(features, many))
    assert len(found) == CHUNK + 3
    for tag in ("tag 0", f"tag {CHUNK - 1}", f"tag {CHUNK}", f"tag {CHUNK + 2}"):
        assert found[tag] == pytest.approx(tagger.score(features, many.select([tag]))[tag].probability, abs=1e-6)


def test_no_categories_give_no_predictions(tagger):
    prediction = tagger.score(tagger.look(picture()), tagger.bank.select([]))
    assert (len(prediction), prediction.tags) == (0, [])


def test_a_bank_of_another_text_encoder_is_refused(tagger):
    bank = tagger.bank
    other = TagEmbeddingBank(bank.vocabulary, bank.descriptions, bank.embedded, "clip-vit-b-16")
    with pytest.raises(ValueError, match="tiny was trained on embeddings of 'hash', this bank is of 'clip-vit-b-16'"):
        tagger.score(tagger.look(picture()), other)


def test_ram_keeps_the_first_description_of_a_category(tagger):
    assert tagger.embed(CORGI).sentences == [tuple(s) for s in CORGI.values()]
    ram_bank = tiny_tagger(max_descriptions=1).embed(CORGI)
    assert ram_bank.sentences == [("short legs",), ("a streak of light",)]
    assert ram_bank.vocabulary.thresholds == (0.5, 0.5)
    with pytest.raises(ValueError, match="corgi"):
        tagger.embed({"corgi": []})


def test_plain_tagging_needs_no_text_encoder():
    def missing():
        raise TextEncoderError("the text encoder is missing")

    tagger = tiny_tagger(text_encoder=missing)
    assert len(tagger.tag(picture())) == 3
    with pytest.raises(TextEncoderError, match="is missing"):
        tagger.embed(CORGI)


def test_a_text_encoder_that_could_not_be_had_is_tried_again():
    answers = [TextEncoderError("no network"), HashTextEncoder()]

    def second_time_lucky():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    tagger = tiny_tagger(text_encoder=second_time_lucky)
    with pytest.raises(TextEncoderError, match="no network"):
        tagger.embed(CORGI)
    assert len(tagger.embed(CORGI)) == 2 and answers == []


def test_the_text_encoder_is_made_once_by_any_thread():
    made, second = [], threading.Event()

    def slow():
        made.append(None)
        if len(made) > 1:
            second.set()
        second.wait(0.3)  # time enough for another thread to come in, if it may
        return HashTextEncoder()

    tagger = tiny_tagger(text_encoder=slow)
    with ThreadPoolExecutor(4) as pool:
        encoders = list(pool.map(lambda _: tagger.text_encoder, range(4)))
    assert len(made) == 1 and len(set(map(id, encoders))) == 1


def test_threads_do_not_disturb_each_other(tagger):
    def ask(seed):
        features = tagger.look(picture(seed))
        bank = tagger.embed({f"tag {seed}": [f"sentence {seed}", "another"]})
        return probabilities(tagger.score(features)) | probabilities(tagger.score(features, bank))

    wanted = [ask(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == wanted


def test_other_predefined_tags_need_no_other_network(tagger):
    other = tagger.with_bank(tagger.embed(CORGI))
    assert other.model is tagger.model and other.text_encoder is tagger.text_encoder
    assert other.tag(picture()).vocabulary.tags == ("corgi", "meteor shower")
    assert tagger.tag(picture()).vocabulary.tags == tuple(DESCRIPTIONS)


def test_a_tagger_leaves_the_module_it_is_given_unchanged():
    model = tiny_model().train()
    before = {name: (weight.dtype, weight.data_ptr()) for name, weight in model.named_parameters()}
    first = Tagger(tiny_config(), model, tiny_bank(), HashTextEncoder)
    wanted = probabilities(first.tag(picture()))
    Tagger(tiny_config(), model, tiny_bank(), HashTextEncoder, dtype=torch.float16)
    assert {name: (weight.dtype, weight.data_ptr()) for name, weight in model.named_parameters()} == before
    assert model.training and all(weight.requires_grad for weight in model.parameters())
    assert not any("forward" in vars(module) for module in model.modules())  # no fast twin
    assert probabilities(first.tag(picture())) == wanted


def test_taggers_of_one_dtype_share_the_weights():
    model = tiny_model()
    tagger = Tagger(tiny_config(), model, tiny_bank(), HashTextEncoder)
    shared = {weight.data_ptr() for weight in model.parameters()}
    assert {weight.data_ptr() for weight in tagger.model.parameters()} == shared


def test_every_score_has_evidence_that_adds_up_to_it(tagger):
    small = Tagger(whole_config(), whole_model(), tiny_bank(), HashTextEncoder)
    for one, names in ((tagger, ["decoder"]), (small, ["decoder", "pooled", "classifier"])):
        for score in one.tag(picture()):
            assert [name for name, _ in score.evidence.terms] == names
            assert score.probability == pytest.approx(1 / (1 + np.exp(-score.evidence.logit)), abs=1e-6)
            assert score.evidence.threshold == score.threshold
    chosen = small.tag(picture()).select(["cat"])
    assert chosen["cat"].evidence == small.tag(picture())["cat"].evidence


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same(tagger, dtype):
    half = Tagger(tiny_config(), tiny_model(), tiny_bank(), HashTextEncoder, dtype=dtype)
    assert probabilities(half.tag(picture())) == pytest.approx(probabilities(tagger.tag(picture())), abs=0.02)
    assert len(half.score(half.look(picture()), half.embed(CORGI))) == 2


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_full_model_tags_in_half_precision_on_a_cpu(tmp_path, dtype):
    save_model(tmp_path / "whole", whole_config(), whole_model(), tiny_bank(), half=True)
    exact, half = (ram.load(tmp_path / "whole", device="cpu", dtype=name) for name in ("float32", dtype))
    assert probabilities(half.tag(picture())) == pytest.approx(probabilities(exact.tag(picture())), abs=0.06)
    looked = half.look(picture()).to("cpu")
    assert looked.classes.dtype == half.dtype and len(half.score(looked, half.bank.select([]))) == 0
    other = half.with_bank(half.bank.select(["cat"]))
    assert other.tag(picture())["cat"].probability == half.tag(picture())["cat"].probability


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "tiny", tiny_config(), tiny_model(), tiny_bank())
    return tmp_path / "tiny"


def test_a_loaded_folder_tags_like_the_model_it_was_saved_from(tagger, folder):
    loaded = ram.load(folder, device="cpu", dtype="float32")
    assert probabilities(loaded.tag(picture())) == probabilities(tagger.tag(picture()))
    assert loaded.name == "tiny"
    with pytest.raises(ValueError, match="text encoder 'hash' is unknown: choose one of"):
        loaded.embed(CORGI)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"device": "gpu9"}, "device 'gpu9' cannot be used here"),
        ({"device": "meta:0:0"}, "device 'meta:0:0' cannot be used here"),
        ({"device": "cpu", "dtype": "int8"}, "dtype 'int8' is unknown: choose auto or one of float32, float16"),
    ],
)
def test_a_device_or_dtype_that_does_not_exist_is_named(folder, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        load(folder, **options)


def test_an_unknown_model_is_named():
    with pytest.raises(CheckpointError, match="there is no model or model folder 'ram-huge'"):
        load("ram-huge")


def test_a_bank_in_16_bit_is_scored_like_a_wide_one(tagger):
    small = tiny_bank().to("cpu", torch.float16)
    wide = small.to("cpu", torch.float32)
    kept = Tagger(tiny_config(), tiny_model(), small, HashTextEncoder)
    assert kept.bank.embedded.embeddings.dtype == torch.float16
    assert probabilities(kept.tag(picture())) == probabilities(tagger.with_bank(wide).tag(picture()))
    typed = kept.embed(CORGI)
    joined = kept.score(kept.look(picture()), kept.bank.join(typed))
    alone = kept.score(kept.look(picture()), typed)
    assert joined["corgi"].probability == pytest.approx(alone["corgi"].probability, abs=1e-6)
