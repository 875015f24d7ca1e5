"""What holds for every vocabulary: subsets, joins and replacements of any description counts change no score."""

import random

import pytest
import torch

from ram.models.reweighting import DescriptionReweighting
from ram.text.bank import CHUNK, TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_model, tiny_pixels, whole_model

SEEDS = range(6)


def any_bank(seed, prefix="tag"):
    """Some tags with 1 to 51 descriptions each and thresholds of their own."""
    chance = random.Random(seed)
    counts = [chance.choice((1, 1, 2, 7, 51)) for _ in range(chance.randint(1, 30))]
    names = [f"{prefix} {i}" for i in range(len(counts))]
    sentences = {n: [f"{n} says {k}" for k in range(c)] for n, c in zip(names, counts, strict=True)}
    vocabulary = TagVocabulary(tuple(names), tuple(chance.random() for _ in names))
    return TagEmbeddingBank.build(TagDescriptions(sentences), HashTextEncoder(), vocabulary)


@pytest.fixture(params=[tiny_model, whole_model], ids=["official", "lite"])
def model(request):
    return request.param()


def scored(model, bank, chunk=None):
    """{tag: (logit, weights of its own descriptions)}"""
    with torch.no_grad():
        logits, weights = model.align(model.look(tiny_pixels()), bank.embedded, chunk)
    counts = map(len, bank.sentences)
    rows = zip(bank.vocabulary.tags, logits[0].tolist(), weights[0], counts, strict=True)
    return {tag: [logit, *row[:count].tolist()] for tag, logit, row, count in rows}


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for tag, numbers in wanted.items():
        assert found[tag] == pytest.approx(numbers, abs=2e-5), tag


@pytest.mark.parametrize("seed", SEEDS)
def test_asking_for_more_tags_changes_no_score(model, seed):
    mine, typed = any_bank(seed), any_bank(seed + 100, "typed")
    assert_same(scored(model, mine.join(typed)), scored(model, mine) | scored(model, typed))


@pytest.mark.parametrize("seed", SEEDS)
def test_asking_for_fewer_tags_in_any_order_changes_no_score(model, seed):
    bank = any_bank(seed)
    some = random.Random(seed).sample(bank.vocabulary.tags, k=random.Random(seed).randint(1, len(bank)))
    whole = scored(model, bank)
    assert_same(scored(model, bank.select(some)), {tag: whole[tag] for tag in some})


@pytest.mark.parametrize("seed", SEEDS)
def test_chunks_of_any_size_score_as_the_whole(model, seed):
    bank = any_bank(seed)
    whole = scored(model, bank)
    for chunk in (1, 2, 7, len(bank), len(bank) + 5):
        assert_same(scored(model, bank, chunk), whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_description_is_the_identity(seed):
    bank, reweighting = any_bank(seed).first(1), DescriptionReweighting()
    blended, weights = reweighting(torch.randn(3, DIM), bank.embedded)
    assert torch.equal(weights, torch.ones(3, len(bank), 1))
    torch.testing.assert_close(blended, bank.embedded.embeddings[:, 0].expand(3, -1, -1), atol=0, rtol=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_thresholds_follow_their_tags(seed):
    mine, typed = any_bank(seed), tiny_bank({"corgi": ["short legs"], "TAG 0": ["typed anew"]})
    own = dict(zip(mine.vocabulary.tags, mine.vocabulary.thresholds, strict=True))
    joined = mine.override(typed).vocabulary
    assert joined.tags == (*mine.vocabulary.tags[1:], "corgi", "TAG 0")
    for tag, threshold in zip(joined.tags, joined.thresholds, strict=True):
        assert threshold == (0.5 if tag in ("corgi", "TAG 0") else own[tag])
    backwards = mine.select(mine.vocabulary.tags[::-1]).vocabulary
    assert backwards.thresholds == mine.vocabulary.thresholds[::-1]


def test_what_overrides_nothing_joins(model):
    mine, typed = any_bank(1), any_bank(2, "typed")
    assert_same(scored(model, mine.override(typed)), scored(model, mine.join(typed)))


def test_keeping_the_first_descriptions_is_embedding_only_those():
    bank = tiny_bank()
    for most in (1, 2, 3, 9):
        kept = {tag: sentences[:most] for tag, sentences in bank.descriptions.items()}
        short, wanted = bank.first(most), tiny_bank(kept)
        assert short.descriptions == wanted.descriptions and torch.equal(short.mask, wanted.mask)
        assert torch.equal(short.embedded.embeddings, wanted.embedded.embeddings)
    assert bank.first(None) is bank


def test_many_sentences_are_embedded_in_pieces_and_told_about():
    told, encoder = [], HashTextEncoder()
    many = TagDescriptions({f"tag {i}": [f"{i} a", f"{i} b"] for i in range(CHUNK)})
    bank = TagEmbeddingBank.build(many, encoder, progress=lambda *said: told.append(said))
    assert [len(asked) for asked in encoder.asked] == [CHUNK, CHUNK]
    assert told == [("embedding sentences", 0, 2 * CHUNK), ("embedding sentences", CHUNK, 2 * CHUNK)]
    last = bank.embedded.embeddings[-1, 1]
    assert torch.equal(last, HashTextEncoder.vector(f"{CHUNK - 1} b"))
