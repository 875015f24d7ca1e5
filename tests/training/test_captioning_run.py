"""Tags and captions learned together: the run, its model folder and what it writes about new pictures."""

import json

import pytest
from safetensors.torch import load_file

import ram
from ram.checkpoints.model_folder import load_model
from ram.evaluation.captioning import evaluate_captions
from ram.evaluation.retrieval import CaptionedPictures
from ram.text.wordpiece import WordPiece
from ram.training.loop import train
from ram.training.recipe import CaptionRecipe
from tests.toy_run import COLOURS, WORDS, curve, draw, make_data, toy_captioning, toy_tag2text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """The output of a run that is long enough to learn, of a captioner that reads given and seen tags apart."""
    folder = tmp_path_factory.mktemp("learnt")
    model = toy_tag2text(seen_separator=" ; ", attend_image=True, dropout=0.0)
    captions = CaptionRecipe(words="words.txt", tokens=20)
    recipe = toy_captioning(model, captions, epochs=16, batch=16, learning_rate=1.5e-2)
    train(recipe, make_data(folder / "data", train=96, dev=24), folder / "run")
    return folder


def test_both_losses_fall(learnt):
    first, *_, last = curve(learnt / "run")
    assert last["tagging"] < 0.6 * first["tagging"] and last["captioning"] < 0.7 * first["captioning"]
    assert last["dev_mAP"] > 2 / len(COLOURS) + 0.3


def test_the_model_folder_has_rows_for_the_tags_and_words(learnt):
    config, model, bank = load_model(learnt / "run/model")
    assert bank.vocabulary.tags == tuple(COLOURS) and bank.embedded.embeddings.shape == (6, 1, config.dim)
    assert bank.descriptions["red"] == ("red",) and len(set(bank.vocabulary.thresholds)) >= 1
    assert model.captioner.words == WordPiece.load(learnt / "data/words.txt") == WORDS
    assert (config.captioner.vocabulary, config.captioner.begin, config.captioner.pad) == (len(WORDS), 2, 0)
    assert "queries.rows" not in load_file(learnt / "run/model/model.safetensors")


def test_the_saved_thresholds_find_the_tags(learnt):
    tagger = ram.load(learnt / "run/model")
    right = 0
    for left, right_half in (("red", "blue"), ("green", "white"), ("black", "yellow"), ("white", "red")):
        right += set(tagger.tag(draw(left, right_half, 5)).tags) == {left, right_half}
    assert right >= 2


def test_captions_name_the_colours(learnt):
    tagger = ram.load(learnt / "run/model")
    pairs = ("red", "blue"), ("green", "white"), ("black", "yellow")
    captions = tagger.caption([draw(left, right, 3) for left, right in pairs])
    named = [set(caption.split()) & set(pair) for caption, pair in zip(captions, pairs, strict=True)]
    assert sum(map(len, named)) >= 4  # of 3 to 6: a caption of training names one colour or both


def test_captions_are_evaluated(learnt):
    pytest.importorskip("pycocoevalcap", reason="needs the extra ram[captions]")
    entries = json.loads((learnt / "data/dev.json").read_text())[:6]
    pictures = [learnt / "data/pictures" / entry["image_path"] for entry in entries]
    captioned = CaptionedPictures("toy", tuple(pictures), tuple(tuple(entry["caption"]) for entry in entries))
    report = evaluate_captions(ram.load(learnt / "run/model"), captioned, beams=2, tokenizer="words")
    assert len(report.captions) == 6 and report.to_dict()["BLEU1"] > 0.2
