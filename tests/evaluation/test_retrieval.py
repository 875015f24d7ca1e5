"""Captions against pictures: read faithfully, compared by the decoder or the pooled token, and reported both ways."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch.nn.functional as F
from PIL import Image

from ram import named_tags
from ram.checkpoints.model_folder import save_model
from ram.evaluation.retrieval import CaptionedPictures, evaluate_retrieval, load_captioned, similarities
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger

CAPTIONS = {
    "a.png": ["A dog runs .", "Two dogs .", "Grass ."],
    "b.png": ["A boat ."],
    "c.png": ["A man sits .", "A bench ."],
    "d.png": ["A red car ."],
    "e.png": ["Snow .", "A hill ."],
}


@pytest.fixture
def captions(tmp_path):
    """Five pictures of noise, one captions file beside them, and their splits."""
    pictures = np.random.default_rng(0).integers(0, 255, (5, 24, 32, 3), np.uint8)
    for name, pixels in zip(CAPTIONS, pictures, strict=True):
        Image.fromarray(pixels).save(tmp_path / name)
    entries = [{"image": name, "captions": texts} for name, texts in CAPTIONS.items()]
    (tmp_path / "captions.json").write_text(json.dumps(entries))
    (tmp_path / "splits.json").write_text(json.dumps({"test": ["c.png", "a.png"], "none": []}))
    return tmp_path / "captions.json"


def test_captions_of_a_file_or_of_a_split_are_read(captions):
    everything = load_captioned(captions)
    assert everything.texts == [text for texts in CAPTIONS.values() for text in texts]
    assert everything.owners.tolist() == [0, 0, 0, 1, 2, 2, 3, 4, 4]
    test = load_captioned(captions, captions.parent, (captions.parent / "splits.json", "test"))
    assert test.pictures == (captions.parent / "c.png", captions.parent / "a.png")
    assert test.captions == (tuple(CAPTIONS["c.png"]), tuple(CAPTIONS["a.png"]))


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("{", "captions.json is not JSON"),
        ("{}", "captions.json must be a list"),
        ('[{"image": "a.png", "captions": []}]', "captions.json has no captions of a.png"),
        ('[{"image": "a.png", "tags": ["dog"]}]', "captions.json has no captions of a.png"),
        ('[{"image": "a.png", "captions": "A dog ."}]', "entry 1 of captions.json is not"),
        ('[{"image": "a.png", "captions": ["x"]}, {"image": "a.png", "captions": ["y"]}]', "holds a.png twice"),
        ('[{"image": "x.png", "captions": ["x"]}]', "1 of 1 pictures .* cannot be used: there is no file x.png"),
        ("[]", "captions.json must be a list"),
    ],
)
def test_malformed_captions_get_a_sentence(captions, content, sentence):
    captions.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        load_captioned(captions)


@pytest.mark.parametrize(
    "content, name, sentence",
    [
        ('{"test": ["c.png"]}', "dev", "splits.json lists no pictures under 'dev': it has test"),
        ('{"test": ["z.png"]}', "test", "1 pictures of 'test' have no captions, such as z.png"),
        ("3", "test", "splits.json lists no pictures"),
        ("{", "test", "splits.json is not JSON"),
    ],
)
def test_malformed_splits_get_a_sentence(captions, content, name, sentence):
    splits = captions.parent / "splits.json"
    splits.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        load_captioned(captions, split=(splits, name))


def test_a_caption_is_scored_as_a_tag_with_one_description(captions):
    tagger, captioned = tiny_tagger(), load_captioned(captions)
    bank = tagger.embed({text: (text,) for text in captioned.texts})
    found = similarities(tagger, captioned, "decoder")
    for column, picture in enumerate(captioned.pictures):
        prediction = tagger.score(tagger.look(picture), bank)
        expected = [prediction[text].probability for text in captioned.texts]
        np.testing.assert_allclose(1 / (1 + np.exp(-found[:, column])), expected, atol=1e-6)


def test_the_pooled_token_alone_compares_by_its_cosine(captions):
    tagger, captioned = tiny_tagger(), load_captioned(captions)
    found = similarities(tagger, captioned, by="pooled")
    for column, picture in enumerate(captioned.pictures):
        pooled = F.normalize(tagger.look(picture).pooled[0], dim=0)
        expected = [float(pooled @ HashTextEncoder.vector(text)) for text in captioned.texts]
        np.testing.assert_allclose(found[:, column], expected, atol=1e-5)
    ways = r"decoder or pooled or decoder\+pooled or decoder\+tags or decoder\+pooled\+tags"
    with pytest.raises(ValueError, match=f"compared by {ways}, not by 'magic'"):
        similarities(tagger, captioned, by="magic")


def test_decoder_and_pooled_token_add_up_at_the_scale_that_training_learned(captions):
    tagger, captioned = tiny_tagger(), load_captioned(captions)
    decoder, pooled, both = (similarities(tagger, captioned, by) for by in ("decoder", "pooled", "decoder+pooled"))
    tags, all_three = (similarities(tagger, captioned, by) for by in ("decoder+tags", "decoder+pooled+tags"))
    np.testing.assert_allclose(all_three, both + tags - decoder, atol=1e-4)
    assert tagger.contrast_scale == pytest.approx(1 / 0.07)
    np.testing.assert_allclose(both, decoder + tagger.contrast_scale * pooled, atol=1e-4)
    untaught = Tagger(replace(tiny_config(), reweight=False), tiny_model(), tiny_bank(), HashTextEncoder)
    assert untaught.contrast_scale == 0


def test_named_tags_are_added_to_the_decoder(captions):
    tagger, captioned = tiny_tagger(), load_captioned(captions)
    first, second = tagger.bank.vocabulary.tags[:2]
    texts = ("nothing of it",), (f"{first}s and a {second.upper()}",)
    named = replace(captioned, captions=(*texts, *captioned.captions[2:]))
    alone, beside = (similarities(tagger, named, by) for by in ("decoder", "decoder+tags"))
    np.testing.assert_array_equal(alone[0], beside[0])
    thresholds = np.array(tagger.bank.vocabulary.thresholds[:2])
    cut = np.log(thresholds / (1 - thresholds))
    for column, picture in enumerate(named.pictures):
        scores = tagger.tag(picture)
        logits = [np.log(p / (1 - p)) for p in (scores[first].probability, scores[second].probability)]
        evidence = named_tags.WEIGHT * (logits - cut).clip(-named_tags.MOST, named_tags.MOST).sum()
        assert beside[1, column] - alone[1, column] == pytest.approx(evidence, abs=1e-3)


def test_both_directions_are_counted_as_by_hand(captions):
    tagger, captioned = tiny_tagger(), load_captioned(captions)
    found, owners = similarities(tagger, captioned), captioned.owners
    report = evaluate_retrieval(tagger, captioned)
    own_first = [np.argmax(row) == owner for row, owner in zip(found, owners, strict=True)]
    assert report["text_to_picture"] == {"R@1": np.mean(own_first), "R@5": 1, "R@10": 1}
    hits = {k: [i in owners[np.argsort(-found[:, i])[:k]] for i in range(5)] for k in (1, 5, 10)}
    assert report["picture_to_text"] == {f"R@{k}": np.mean(hit) for k, hit in hits.items()}


def test_pictures_without_captions_are_refused():
    with pytest.raises(ValueError, match="at least one caption of each"):
        CaptionedPictures("x", ("a.png", "b.png"), (("A dog .",), ()))


@pytest.fixture
def model(tmp_path, hash_encoder):
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank())
    return tmp_path / "model"


def test_the_command_prints_what_the_library_measures(captions, model, ended):
    flags = ("--retrieval", "--model", model, "--split", captions.parent / "splits.json", "test")
    test = load_captioned(captions, split=(captions.parent / "splits.json", "test"))
    for by in ("decoder", "pooled", "decoder+pooled", "decoder+tags", "decoder+pooled+tags"):
        code, out, err = ended("evaluate", captions, *flags, "--by", by, "--json")
        report = json.loads(out)
        assert (code, err) == (0, "") and report["seconds"] >= 0
        assert (report["by"], report["pictures"], report["captions"]) == (by, 2, 5)
        measured = evaluate_retrieval(tiny_tagger(), test, by)
        assert {name: report[name] for name in measured} == measured
    code, out, _ = ended("evaluate", captions, *flags)
    heading, shares, text, picture = out.splitlines()
    assert code == 0 and "5 captions, 2 pictures" in heading and "by decoder+pooled" in heading
    assert shares.split() == ["R@1", "R@5", "R@10"]
    assert text.split()[:3] == ["text", "to", "picture"] and picture.split()[:3] == ["picture", "to", "text"]


def test_flags_of_the_other_kind_of_measurement_are_refused(captions, ended):
    for flags, sentence in (
        (("--retrieval", "--open-set"), "--open-set does not go with --retrieval"),
        (("--retrieval", "--csv", "x.csv"), "--csv does not go with --retrieval"),
        (("--by", "pooled"), "--by does not go without --retrieval"),
        (("--split", "splits.json", "test"), "--split does not go without --retrieval"),
    ):
        code, out, err = ended("evaluate", captions, *flags)
        assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err
