"""Captions by a tagger: given or predicted tags, one image or many, and a sentence where it cannot be done."""

import io
import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import ram
from ram.caption_writing import CaptionOptions, given_tags, spoken
from ram.checkpoints.model_folder import load_model, save_model
from ram.errors import CheckpointError, ImageError, InputError
from ram.models.caption_generation import Rules
from ram.models.caption_text import CaptionText
from ram.tagger_loading import load
from ram.text.bank import TagEmbeddingBank
from ram.text.wordpiece import WordPiece, official_wordpiece
from tests.captions import WORDS, captioning_model, captioning_tagger
from tests.tiny import tiny_bank, tiny_tagger


def image(seed=0, size=(80, 60)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def tagger():
    return captioning_tagger()


@pytest.fixture
def folder(tmp_path):
    model = captioning_model()
    bank = tiny_bank()
    from tests.captions import captioning_config

    save_model(tmp_path / "model", captioning_config(), model, bank)
    return tmp_path / "model"


def test_one_image_gives_a_sentence_and_several_a_list(tagger):
    assert tagger.has_captioner
    pictures = [image(seed) for seed in range(6)]  # more than a batch on a CPU
    one = tagger.caption(pictures[0])
    assert isinstance(one, str) and one
    several = tagger.caption(pictures)
    assert several == [tagger.caption(picture) for picture in pictures] and several[0] == one
    assert tagger.caption(iter(pictures), beams=1) == [tagger.caption(picture, beams=1) for picture in pictures]
    assert tagger.caption([]) == []


def test_without_tags_the_predicted_ones_guide_in_their_order(tagger):
    picture = image(2)
    found = set(tagger.tag(picture).tags)
    assert found
    in_order = [tag for tag in tagger.bank.vocabulary.tags if tag in found]
    assert tagger.caption(picture) == tagger.caption(picture, in_order)


def test_other_tags_are_another_caption_without_a_second_look(tagger, monkeypatch):
    picture = image(1)
    features = tagger.look(picture)
    looks = []
    monkeypatch.setattr(tagger.model, "look", looks.append)
    given = ("dog", "cat, grass", "two trees", "")
    captions = {tags: tagger.caption_features([features], tags)[0].text for tags in given}
    assert len(set(captions.values())) > 1 and looks == []
    monkeypatch.undo()
    assert tagger.caption(picture, ["cat", "grass"]) == captions["cat, grass"]
    assert tagger.caption(picture, "cat | grass") == captions["cat, grass"]
    assert tagger.caption(picture, []) == captions[""]


def test_a_model_without_a_captioner_says_so():
    tagger = tiny_tagger()
    assert not tagger.has_captioner
    for ask in (lambda: tagger.caption("missing.jpg"), lambda: tagger.caption(["missing.jpg"])):
        with pytest.raises(InputError, match="tiny writes no captions: choose a model"):
            ask()


@pytest.mark.parametrize(
    "tags, sentence",
    [
        ("dog, zebra", 'the captioner cannot read "zebra" in the tag "zebra"'),
        (["dog", 3], "a tag is 3: tags are texts"),
        (["x" * 5000], 'cannot read "xxx'),
    ],
    ids=["unknown word", "number", "long word"],
)
def test_tags_that_it_cannot_read_are_one_sentence(tagger, tags, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        tagger.caption(image(), tags)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


def test_unusual_input_gives_a_caption(tagger):
    assert tagger.caption(image(), ["dog", "cat"] * 25)
    assert tagger.caption(image(size=(1, 1)))
    assert tagger.caption(image(), " , ;\n") == tagger.caption(image(), [])
    assert tagger.caption(image(), ["[SEP] [ENC]"[:0], "dog"]) == tagger.caption(image(), ["dog"])


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"beams": 0}, "beams is 0: it must be a whole number from 1 to 16"),
        ({"beams": 17}, "beams is 17"),
        ({"beams": True}, "beams is True"),
        ({"beams": 2.0}, "beams is 2.0"),
        ({"max_length": 4}, "max_length is 4: it must be between 5 and 24"),
        ({"max_length": 25}, "max_length is 25: it must be between 5 and 24"),
        ({"min_length": 13}, "min_length is 13: it must be between 0 and max_length, 12"),
        ({"min_length": -1}, "min_length is -1"),
        ({"top_p": 0.0}, "top_p is 0.0: it must be over 0 and at most 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0: it must be between"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_one_sentence(tagger, options, sentence):
    given = dict(options)
    beams = given.pop("beams", 3)
    with pytest.raises(InputError, match=sentence):
        tagger.caption(image(), beams=beams, options=CaptionOptions(**given))


def test_options_reach_the_caption(tagger):
    picture = image()
    drawn = [tagger.caption(picture, options=CaptionOptions(top_p=0.95, seed=seed)) for seed in (1, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1] and len(set(drawn)) > 1
    assert len(tagger.caption(picture, options=CaptionOptions(max_length=5)).split()) <= 1


def test_a_broken_image_is_named_with_its_number(tagger):
    with pytest.raises(ImageError, match="picture 2: "):
        tagger.caption([image(), io.BytesIO(b"no image"), image()])


def test_a_model_folder_keeps_the_captioner(folder, tagger):
    assert sorted(path.name for path in folder.iterdir()) == [
        "bank.safetensors", "captioner_vocabulary.txt", "config.json", "descriptions.json", "model.safetensors",
        "vocabulary.csv",
    ]  # fmt: skip
    assert WordPiece.load(folder / "captioner_vocabulary.txt") == WORDS
    config, model, bank = load_model(folder)
    assert isinstance(bank, TagEmbeddingBank) and config.captioner == tagger.config.captioner
    loaded, saved = model.state_dict(), captioning_model().state_dict()
    assert loaded.keys() == saved.keys() and all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_a_folder_with_tied_layers_stores_them_once_and_ties_them_again(tmp_path):
    from tests.captions import captioning_config

    sizes = {"hidden": 24, "heads": 6, "intermediate": 48, "tied_layers": 1}
    save_model(tmp_path / "m", captioning_config(**sizes), captioning_model(**sizes), tiny_bank())
    stored = load_file(tmp_path / "m" / "model.safetensors")
    assert not [name for name in stored if name.startswith("captioner.tag_encoder.layers.0.alignment")]
    _, model, _ = load_model(tmp_path / "m")
    assert model.captioner.tag_encoder.layers[0].aligned is model.decoder.blocks[0]


@pytest.mark.parametrize(
    "text, sentence",
    [
        (None, "lacks captioner_vocabulary.txt"),
        ("[PAD]\n[UNK]\ndog\n", "has 3 pieces but config.json says 21"),
        ("\n".join(["[UNK]", *map(str, range(20))]), "has '1' in line 3, where config.json has one of"),
        ("dog\ncat", r"needs the piece \[UNK\]"),
        ("[UNK]\ndog\ndog", "holds 'dog' twice"),
    ],
    ids=["missing", "short", "no special tokens", "no unknown", "twice"],
)
def test_a_vocabulary_that_does_not_fit_is_refused(folder, text, sentence):
    file = folder / "captioner_vocabulary.txt"
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(CheckpointError, match=sentence):
        load_model(folder)


def test_a_vocabulary_without_a_captioner_is_not_read(folder):
    config = json.loads((folder / "config.json").read_text())
    config["captioner"] = None
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="entries too many, first 'captioner"):
        load(folder, device="cpu")


def test_a_tagger_with_a_captioner_is_pickled(tagger):
    again = pickle.loads(pickle.dumps(tagger))
    assert again.caption(image(3), "dog") == tagger.caption(image(3), "dog")


def test_repeated_names_are_spoken_without_their_number():
    known = ("train", "train (2)", "area (51)")
    assert spoken(["train", "train (2)", "area (51)"], known) == ["train", "train", "area (51)"]
    assert given_tags("train (2);  red   bus\n", known) == ["train", "red bus"]


def test_brackets_that_a_person_types_are_no_special_tokens():
    words = official_wordpiece()
    assert len(words) == 30524 and words.pieces[30522:] == ("[DEC]", "[ENC]")
    ids = words.encode("[SEP] [DEC] dog")
    assert not {102, 30522, 30523} & set(ids) and words.decode(words.encode("red bus, snow-boarders!")) == (
        "red bus, snow - boarders!"
    )


def test_the_models_list_says_which_write_captions():
    lines = {entry.name: entry.summary for entry in ram.checkpoints.registry.model_entries()}
    assert [name for name, summary in lines.items() if summary.endswith(", captions")] == [
        "tag2text-lite", "ram-swin-large", "tag2text-swin-base",
    ]  # fmt: skip


def test_given_tags_come_beside_seen_ones_read_apart(monkeypatch):
    tagger, read, picture = captioning_tagger(seen_separator=" the ", seen_tags=2), [], image()
    encode = CaptionText.tags

    def recorded(text, tags, seen=None):
        read.append((tags, seen))
        return encode(text, tags, seen)

    monkeypatch.setattr(CaptionText, "tags", recorded)
    found = tagger.tag(picture).tags
    own = tagger.caption(picture)
    assert tagger.caption(picture, tags=[]) == own
    tagger.caption_features([tagger.look(picture)] * 2, tags="grass")
    few = found[:2]  # as many as the captioner reads
    assert read == [([[]], [few]), ([[]], [few]), ([["grass"]] * 2, [few] * 2)]
    (caption,) = tagger.caption_features([tagger.look(picture)], "Grass", options=CaptionOptions(without=(found[0],)))
    assert (caption.given, caption.seen) == (("Grass",), tuple(found[1:3]))
    assert tagger.caption_features([]) == []


@pytest.mark.parametrize("beams", [1, 3])
def test_a_given_tag_is_mentioned_once_if_it_is_lifted_enough(beams):
    tagger = captioning_tagger(seen_separator=" the ", seen_tags=2)
    with torch.no_grad():
        tagger.model.captioner.text_decoder.transform_norm.weight.mul_(0.1)  # logits of a trained model's size
    look = tagger.look(image())
    free, lifted = (
        tagger.caption_features([look], "two", beams, CaptionOptions(mention=mention))[0].text for mention in (0, 20)
    )
    assert "two" not in free and lifted.count("two") == 1
    own = tagger.caption_features([look], None, beams)[0].text
    assert tagger.caption_features([look], None, beams, CaptionOptions(mention=20))[0].text == own


def test_a_plural_is_enough_and_other_pieces_are_not_lifted():
    rules = Rules(end=4, min_length=0, max_length=20, wanted=(((9,), (9, 18)), ((11, 12),)), lift=5.0)
    ids = torch.tensor([[2, 6, 8], [2, 9, 18], [2, 6, 11], [11, 12, 9]])
    lifted = rules.apply(torch.zeros(4, 21), ids).nonzero().tolist()
    assert lifted == [[0, 9], [0, 11], [1, 11], [2, 9], [2, 12]]


def test_a_mention_is_a_whole_word():
    """A tag of two pieces is ended before anything else, and no piece goes on with a mention that ended."""
    joined = frozenset({17, 18})
    rules = Rules(end=4, min_length=0, max_length=20, wanted=(((9, 18),), ((11,),)), lift=5.0, joined=joined)
    scores = rules.apply(torch.zeros(3, 21), torch.tensor([[2, 6, 9], [9, 18, 11], [2, 6, 17]]))
    assert scores[0].isfinite().nonzero().flatten().tolist() == [18]
    assert scores[1].isinf().nonzero().flatten().tolist() == [17, 18]
    assert scores[2].isfinite().all() and scores[2].nonzero().flatten().tolist() == [9, 11]


@pytest.mark.parametrize("mention", [-1, 21])
def test_a_lift_out_of_range_is_refused(mention):
    with pytest.raises(InputError, match="mention is"):
        CaptionOptions(mention=mention)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("apart", [True, False])
def test_captions_written_together_are_those_written_one_by_one(beams, apart):
    tagger = captioning_tagger(seen_separator=" the ", seen_tags=2) if apart else captioning_tagger()
    look = tagger.look(image())
    guides = (None, ["dog"], ["two", "grass"], None)
    together = tagger.caption_variants(look, guides, beams)
    assert together == [tagger.caption_features([look], given, beams)[0] for given in guides]
    assert len({caption.text for caption in together}) > 1 and tagger.caption_variants(look, []) == []


def test_a_captioner_says_which_tags_it_reads():
    tagger = captioning_tagger()
    assert tagger.reads("dog") and not tagger.reads("zzqx")
