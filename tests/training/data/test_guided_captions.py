"""What the interaction encoder reads in training: parsed tags, or given and seen tags apart."""

from collections import Counter

import pytest
import torch

from ram.errors import InputError
from ram.models.caption_text import CaptionText
from ram.models.captioner_config import CaptionerConfig
from ram.text.small_wordpiece import FIRST, plain_caption, small_wordpiece
from ram.text.vocabulary import TagVocabulary
from ram.text.wordpiece import WordPiece
from ram.training.data.guided_captions import CaptionSampler
from ram.training.data.triplets import Source, Triplets
from ram.training.recipe_sections import CaptionRecipe

TAGS = ("dog", "animal", "grass", "ball", "train", "train (2)", "red")
WORDS = WordPiece((*FIRST, *"a picture of | ; the dog animal grass ball train red runs on".split()))
SOURCE = Source(
    "toy",
    ("a", "b", "c"),
    (("The dog runs on grass .", "a red ball", "an animal"), (), ("train",)),
    ((0, 1, 2, 3, 6), (4, 5), (5,)),
    parsed=(((0, 1, 2), (3, 6), (1,)), (), ((5,),)),
)


def sampler(separator="", source=SOURCE, **recipe):
    special = {"vocabulary": len(WORDS), "begin": 2, "tags": 3, "end": 4, "pad": 0}
    config = CaptionerConfig(**special, seen_separator=separator, attend_padding=False)
    triplets = Triplets.of([source], len(TAGS))
    return CaptionSampler(triplets, TagVocabulary.of(TAGS), CaptionText(config, WORDS), CaptionRecipe(**recipe))


def drawn(sampler, each=3, seed=0, first=0, ids=(0, 1, 2)):
    """Image, caption and tags of each caption that is drawn, as text."""
    guided = sampler.draw(torch.tensor(ids), each, torch.Generator().manual_seed(seed), first)
    texts, tags = (
        [" ".join(WORDS.pieces[i] for i in row[1:] if i > 4) for row in ids.tolist()]
        for ids in (guided.captions, guided.tags)
    )
    return list(zip(guided.images.tolist(), texts, tags, strict=True))


def test_a_caption_is_guided_by_the_tags_parsed_from_it():
    pairs = drawn(sampler())
    assert {(image, tags) for image, _, tags in pairs} == {
        (0, "dog | animal | grass"), (0, "ball | red"), (0, "animal"), (2, "train"),
    }  # fmt: skip
    assert (0, "a picture of the dog runs on grass", "dog | animal | grass") in pairs


def test_an_image_gives_each_caption_once_and_none_without_any():
    assert Counter(image for image, *_ in drawn(sampler(), each=2)) == {0: 2, 2: 1}
    both = {text for seed in range(20) for image, text, _ in drawn(sampler(), each=1, seed=seed) if image == 0}
    assert len(both) == 3
    assert [image for image, *_ in drawn(sampler(), first=1)] == [2]  # the images before are joined in pairs


def test_without_parsed_tags_those_of_the_image_that_a_caption_names_guide_it():
    source = Source(SOURCE.name, SOURCE.pictures, SOURCE.captions, SOURCE.tags)
    tags = {text: tags for _, text, tags in drawn(sampler(source=source))}
    assert tags["a picture of the dog runs on grass"] == "dog | grass" and tags["a picture of train"] == "train"


def test_given_and_seen_tags_are_drawn_apart():
    given, seen, sizes = Counter(), Counter(), Counter()
    one, rounds = sampler(" ; ", seen_false=0.5), 400
    for seed in range(rounds):
        for image, text, tags in drawn(one, each=1, seed=seed, ids=(0, 2)):
            if image == 0:
                left, right = (part.split(" | ") if part else [] for part in map(str.strip, tags.split(";")))
                named = {"runs on grass": {"dog", "grass"}, "a red ball": {"ball", "red"}, "an animal": {"animal"}}
                (right_ones,) = [tags for end, tags in named.items() if text.endswith(end)] or [{"animal"}]
                assert set(left) <= right_ones  # "animal" is implied where a dog is named
                given.update(left)
                seen.update(right)
                sizes[len(left)] += 1
    assert sizes[0] / rounds == pytest.approx(0.4, abs=0.1) and sizes[2] > 40 and given["animal"] > 20
    for tag in ("dog", "animal", "grass", "ball", "red"):
        assert seen[tag] / rounds == pytest.approx(0.7, abs=0.1)
    assert 0.15 < seen["train"] / rounds < 0.35  # false half of the time that the other image is drawn


def test_draws_depend_on_the_generator_alone():
    one = sampler(" ; ")
    assert drawn(one, seed=3) == drawn(one, seed=3) != drawn(one, seed=4)
    before = Counter(tags for seed in range(30) for *_, tags in drawn(sampler(" ; ", none_given=1.0), seed=seed))
    assert all(tags.startswith(";") for tags in before)


def test_predicted_tokens_are_those_of_the_whole_batch():
    guided = sampler().draw(torch.tensor([0, 2]), 3, torch.Generator().manual_seed(0))
    assert guided.predicted == (guided.captions[:, 4:] != 0).sum() == guided.of(slice(1, 2)).predicted
    assert len(guided.of(slice(1, 2))) == 1


def test_data_without_captions_is_refused():
    with pytest.raises(InputError, match="the triplets hold no caption: leave the objective captioning out"):
        sampler(source=Source("toy", ("a",), ((),), ((0,),)))


def test_a_small_vocabulary_has_frequent_pieces_tags_and_characters():
    large = WordPiece((*FIRST, "[CLS]", *"a picture of | ; dog cat run ##ning corgi x ##x é ß".split()))
    words = small_wordpiece(large, ["A dog ! running", "a dog.", "dog cat run"], ["corgi"], least=2)
    assert words.pieces == (*FIRST, *"a picture of | ; dog run corgi x ##x".split())
    assert plain_caption('A (red) "dog" ; runs : fast !') == "a red dog runs fast"
