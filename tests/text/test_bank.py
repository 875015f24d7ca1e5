"""A bank keeps tags, sentences and vectors together, whatever is selected, joined, saved or loaded."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from ram.errors import InputError
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.text.bank import TagEmbeddingBank, warn_of_unreadable
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.tiny import DESCRIPTIONS, DIM, HashTextEncoder, tiny_bank, tiny_model, tiny_pixels


def vectors(bank, tag):
    """The embeddings of a tag's own descriptions."""
    row = bank.vocabulary.id(tag)
    return bank.embedded.embeddings[row][bank.mask[row]]


def assert_holds(bank, descriptions):
    """The bank holds exactly these tags, in order, each sentence beside its own vector."""
    assert bank.vocabulary.tags == tuple(descriptions)
    assert bank.sentences == [tuple(sentences) for sentences in descriptions.values()]
    for tag, sentences in descriptions.items():
        assert torch.equal(vectors(bank, tag), torch.stack([HashTextEncoder.vector(s) for s in sentences]))


def test_every_sentence_is_embedded_once_and_lies_beside_its_tag():
    encoder = HashTextEncoder()
    bank = TagEmbeddingBank.build(TagDescriptions(DESCRIPTIONS), encoder)
    assert_holds(bank, DESCRIPTIONS)
    assert encoder.asked == [[sentence for sentences in DESCRIPTIONS.values() for sentence in sentences]]
    assert bank.vocabulary.thresholds == (0.5, 0.5, 0.5)
    assert bank.text_encoder == "hash"


def test_a_mask_is_kept_only_where_counts_differ():
    assert torch.equal(tiny_bank().embedded.mask.sum(1), torch.tensor([3, 1, 2]))
    even = tiny_bank({"dog": ["a", "b"], "cat": ["c", "d"]})
    assert even.embedded.mask is None
    assert bool(even.mask.all()) and even.mask.shape == (2, 2)


def test_selecting_takes_the_tags_in_the_order_asked():
    assert_holds(tiny_bank().select(["pine tree", "dog"]), {t: DESCRIPTIONS[t] for t in ("pine tree", "dog")})
    with pytest.raises(ValueError, match="'corgi' is not among"):
        tiny_bank().select(["corgi"])


def test_joining_keeps_ragged_counts():
    new = {"corgi": [f"sentence {i}" for i in range(51)], "meteor shower": ["a streak of light"]}
    assert_holds(tiny_bank().join(tiny_bank(new)), DESCRIPTIONS | new)
    assert_holds(tiny_bank(new).join(tiny_bank()), new | DESCRIPTIONS)


def test_a_joined_bank_scores_each_tag_as_its_own_bank_does():
    model, new = tiny_model(), {"corgi": ["short legs", "a fox's face", "a dog", "a herding dog", "a tail"]}
    features = model.look(tiny_pixels())
    apart = [model.score(features, bank.embedded) for bank in (tiny_bank(), tiny_bank(new))]
    joined = model.score(features, tiny_bank().join(tiny_bank(new)).embedded)
    torch.testing.assert_close(joined, torch.cat(apart, 1), atol=1e-6, rtol=0)


def test_no_tags_make_an_empty_bank():
    empty = tiny_bank().select([])
    assert len(empty) == 0
    assert_holds(tiny_bank().join(empty), DESCRIPTIONS)
    assert_holds(empty.join(tiny_bank()), DESCRIPTIONS)
    assert len(TagEmbeddingBank.build(TagDescriptions({}), HashTextEncoder())) == 0


def test_banks_of_different_text_encoders_do_not_mix():
    bank = tiny_bank()
    other = TagEmbeddingBank(bank.vocabulary, bank.descriptions, bank.embedded, "minilm-l6")
    with pytest.raises(ValueError, match="a bank of 'hash' cannot be joined to one of 'minilm-l6'"):
        bank.join(other)


def test_a_tag_in_both_banks_is_refused():
    with pytest.raises(ValueError, match="dog"):
        tiny_bank().join(tiny_bank({"dog": ["another dog"]}))


def test_moving_changes_the_kind_of_number_only():
    bank = tiny_bank()
    assert bank.to("cpu", torch.float32) is bank
    half = bank.to("cpu", torch.float16)
    assert half.embedded.embeddings.dtype == torch.float16
    assert torch.equal(half.mask, bank.mask) and half.sentences == bank.sentences


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("descriptions", [DESCRIPTIONS, {"a": ["x"]}], ids=["ragged", "one"])
def test_a_saved_bank_comes_back_the_same(descriptions, dtype, tmp_path):
    bank = tiny_bank(descriptions).to("cpu", dtype)
    vocabulary = TagVocabulary(bank.vocabulary.tags, tuple(0.1 * i for i in range(len(bank))))
    bank = TagEmbeddingBank(vocabulary, bank.descriptions, bank.embedded, "hash")
    bank.save(tmp_path)
    loaded = TagEmbeddingBank.load(tmp_path, "hash")
    assert loaded.vocabulary == vocabulary and loaded.descriptions == bank.descriptions
    assert loaded.embedded.embeddings.dtype == dtype
    assert torch.equal(loaded.embedded.embeddings, bank.embedded.embeddings)
    assert torch.equal(loaded.mask, bank.mask)


def test_padding_is_not_stored(tmp_path):
    tiny_bank().save(tmp_path)
    assert load_file(tmp_path / "bank.safetensors")["embeddings"].shape == (6, DIM)


@pytest.mark.parametrize("name", ["vocabulary.csv", "descriptions.json", "bank.safetensors"])
def test_a_missing_file_is_named(name, tmp_path):
    tiny_bank().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ValueError, match=f"lacks {name}: copy or convert it again"):
        TagEmbeddingBank.load(tmp_path, "hash")


def test_a_file_cut_short_is_refused(tmp_path):
    tiny_bank().save(tmp_path)
    file = tmp_path / "bank.safetensors"
    whole = file.read_bytes()
    for length in (0, 4, 60, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="bank.safetensors of .* cannot be read"):
            TagEmbeddingBank.load(tmp_path, "hash")


def test_a_bank_made_by_another_text_encoder_is_refused(tmp_path):
    tiny_bank().save(tmp_path)
    with pytest.raises(ValueError, match="was made by 'hash' but its model needs 'minilm-l6'"):
        TagEmbeddingBank.load(tmp_path, "minilm-l6")


def test_files_of_different_banks_are_refused(tmp_path):
    tiny_bank().save(tmp_path)
    save_file({"embeddings": torch.zeros(5, DIM)}, tmp_path / "bank.safetensors")
    with pytest.raises(ValueError, match=r"descriptions.json has 6 sentences but the bank of .* holds \(5, 16\)"):
        TagEmbeddingBank.load(tmp_path, "hash")
    save_file({"vectors": torch.zeros(6, DIM)}, tmp_path / "bank.safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        TagEmbeddingBank.load(tmp_path, "hash")
    tiny_bank().save(tmp_path)
    (tmp_path / "descriptions.json").write_text(json.dumps([{"cat": ["a"] * 6}]))
    with pytest.raises(ValueError, match="tags"):
        TagEmbeddingBank.load(tmp_path, "hash")


def test_parts_that_do_not_fit_are_refused():
    bank = tiny_bank()
    fewer = TagVocabulary.of(["dog", "cat"])
    with pytest.raises(ValueError, match="vocabulary has 2 tags but the bank holds 3"):
        TagEmbeddingBank(fewer, bank.descriptions, bank.embedded, "hash")
    turned = TagVocabulary.of(["cat", "dog", "pine tree"])
    with pytest.raises(ValueError, match="the same tags in the same order"):
        TagEmbeddingBank(turned, bank.descriptions, bank.embedded, "hash")
    unmasked = DescriptionEmbeddings(bank.embedded.embeddings)
    with pytest.raises(ValueError, match="tag 'cat' has 1 descriptions but the bank holds 3"):
        TagEmbeddingBank(bank.vocabulary, bank.descriptions, unmasked, "hash")


def test_a_tag_without_a_readable_sentence_is_refused():
    mixed = TagDescriptions({"猫": ["a photo of a 猫.", "a small furry animal"], "dog": ["a dog"]})
    assert len(TagEmbeddingBank.build(mixed, HashTextEncoder())) == 2
    encoder = HashTextEncoder()
    with pytest.raises(InputError, match='cannot read "狗", "熊": name and describe tags in English'):
        TagEmbeddingBank.build(TagDescriptions({"狗": ["a 狗"], "dog": ["a dog"], "熊": ["熊"]}), encoder)
    assert encoder.asked == []


def test_tags_with_equal_embeddings_are_found_and_refused():
    same = {"sofa": ["a seat", "soft"], "dog": ["a dog"], "couch": ["soft", "a seat"], "settee": ["a seat", "soft"]}
    bank = tiny_bank(same)
    assert bank.equal_tags() == [("sofa", "couch"), ("sofa", "settee")]
    with pytest.raises(InputError, match='reads "couch" as "sofa", "settee" as "sofa": they would be one finding'):
        bank.refuse_equal()
    half = bank.to("cpu", torch.float16).to("cpu", torch.float32)
    assert half.join(tiny_bank({"seat": ["a seat", "soft"]})).equal_tags()[-1] == ("sofa", "seat")
    assert tiny_bank().refuse_equal().equal_tags() == []
    assert tiny_bank({}).equal_tags() == []


def test_equal_tags_are_found_among_thousands():
    random = torch.randn(3000, 1, DIM, generator=torch.Generator().manual_seed(0))
    vectors = torch.nn.functional.normalize(random, dim=2)
    vectors[2500], vectors[17] = vectors[3] + 1e-6, vectors[9]
    assert DescriptionEmbeddings(vectors).equal_pairs() == [(9, 17), (3, 2500)]


def test_a_tag_of_unknown_words_only_is_refused():
    known = {"dog": ["a dog", "⁂x"], "cat": ["a cat"]}
    assert len(TagEmbeddingBank.build(TagDescriptions(known), HashTextEncoder())) == 2
    for unreadable in (["⁂x", "a photo of ⁂y"], ["a photo of a 猫."]):
        with pytest.raises(InputError, match='the text encoder cannot read "thing": name and describe'):
            TagEmbeddingBank.build(TagDescriptions({**known, "thing": unreadable}), HashTextEncoder())


def test_captions_that_cannot_be_read_are_counted(caplog):
    warn_of_unreadable(["a dog", "a ⁂x", "一只猫 on a mat"], "captions", HashTextEncoder())
    assert caplog.messages == [
        '2 of 3 captions have words that the text encoder cannot read, such as "⁂x": translate them into English'
    ]
    caplog.clear()
    warn_of_unreadable(["a dog"], "captions", HashTextEncoder())
    assert not caplog.messages
