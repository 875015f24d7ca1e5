"""Negatives that are drawn for each image."""

import torch

from ram.training.data.negatives import SampledTags, negative_weights, sample_tags

TARGETS = torch.tensor([1, 0, 0, 0, 0, 1]).bool()
KNOWN = torch.tensor([1, 1, 1, 0, 0, 1]).bool()


def draws(unknown, count=1, times=2000):
    weights = negative_weights(KNOWN, unknown)
    return [SampledTags.draw(TARGETS, KNOWN, weights, count, seed) for seed in range(times)]


def test_present_tags_are_all_there_and_never_drawn():
    for sample in draws(0.5, count=3, times=50):
        assert sample.present.tolist() == [0, 5]
        assert not {0, 5} & set(sample.absent.tolist())


def test_unknown_tags_are_drawn_as_rarely_as_they_count():
    drawn = torch.cat([sample.absent for sample in draws(0.25)])
    share = torch.bincount(drawn, minlength=6) / len(drawn)
    torch.testing.assert_close(share, torch.tensor([0, 0.4, 0.4, 0.1, 0.1, 0]), atol=0.04, rtol=0)
    assert not {3, 4} & {int(sample.absent) for sample in draws(0.0, times=50)}


def test_weights_add_up_to_those_of_all_absent_tags():
    for count in (1, 3, 10):
        sample = SampledTags.draw(TARGETS, KNOWN, negative_weights(KNOWN, 0.25), count, 0)
        assert sample.weight * len(sample.absent) == 2.5


def test_an_image_with_every_tag_has_no_negatives():
    every = torch.ones(3).bool()
    sample = SampledTags.draw(every, every, negative_weights(every, 0.5), 4, 0)
    assert sample.present.tolist() == [0, 1, 2] and not len(sample.absent)


def test_draws_depend_on_the_seed_of_each_image_alone():
    targets, known = TARGETS.expand(2, -1), KNOWN.expand(2, -1)
    weights = negative_weights(known, 1.0)
    both = sample_tags(targets, known, weights, 8, torch.tensor([3, 4]))
    alone = sample_tags(targets[1:], known[1:], weights[1:], 8, torch.tensor([4]))
    assert both[1].absent.tolist() == alone[0].absent.tolist() != both[0].absent.tolist()


def test_hard_tags_count_more_where_they_are_known_to_be_absent():
    hard = torch.tensor([0, 1, 0, 1, 0, 1]).bool()
    assert negative_weights(KNOWN, 0.25, hard, 4.0).tolist() == [1, 4, 1, 0.25, 0.25, 4]
    drawn = [
        int(SampledTags.draw(TARGETS, KNOWN, negative_weights(KNOWN, 0.0, hard, 4.0), 1, seed).absent)
        for seed in range(1000)
    ]
    assert set(drawn) == {1, 2}
    assert abs(drawn.count(1) / len(drawn) - 0.8) < 0.05
