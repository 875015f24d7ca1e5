"""Banks for a benchmark: whose sentences a tag gets, and what the plain mean of its descriptions is."""

import pytest
import torch

from ram.evaluation.tag_banks import bank_for, mean_bank, names_in
from ram.text.descriptions import TagDescriptions
from tests.tiny import HashTextEncoder, tiny_bank, tiny_pixels, tiny_tagger


def test_case_does_not_count_but_an_exact_name_comes_first():
    assert names_in(("Dog", "dog", "cat"), ("dog", "DOG", "Cat", "kite")) == ["dog", "Dog", "cat", None]


def test_described_tags_join_those_of_the_vocabulary():
    tagger = tiny_tagger(bank=tiny_bank().with_thresholds([0.1, 0.2, 0.3]))
    written = TagDescriptions({"kite": ("it flies",), "Cat": ("whiskers", "a tail")})
    bank = bank_for(tagger, ("kite", "Dog", "cat", "dog", "KITE"), written)
    assert bank.vocabulary.tags == ("dog", "kite", "cat")
    assert bank.vocabulary.thresholds == (0.1, 0.5, 0.2)  # a tag that is described anew keeps its threshold
    assert bank.descriptions["dog"] == tagger.bank.descriptions["dog"]
    assert bank.descriptions["cat"] == ("whiskers", "a tail")
    torch.testing.assert_close(bank.select(["kite"]).embedded.embeddings[0, 0], HashTextEncoder.vector("it flies"))
    assert bank_for(tagger, ("kite",), written).vocabulary.tags == ("kite",)


def test_a_tag_that_nobody_describes_is_named():
    with pytest.raises(ValueError, match='"kite" is neither in the vocabulary of tiny nor described'):
        bank_for(tiny_tagger(), ("dog", "kite"))


def test_the_mean_bank_equals_reweighting_with_equal_weights():
    tagger = tiny_tagger()
    features = tagger.model.look(tiny_pixels(2))
    mean = mean_bank(tagger.bank)
    alone = tagger.model.score(features, mean.embedded)
    with torch.no_grad():
        tagger.model.reweighting.log_scale.fill_(-torch.inf)
    torch.testing.assert_close(alone, tagger.model.score(features, tagger.bank.embedded))
    assert mean.vocabulary == tagger.bank.vocabulary and mean.descriptions["cat"] == ("a photo of a cat.",)
    lengths = mean.embedded.embeddings.norm(dim=-1).flatten()
    assert lengths[1] == pytest.approx(1) and lengths[0] < 0.9  # one description, and three
