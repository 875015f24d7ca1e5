"""Features of albums are kept as long as there is room, and never take more than that."""

import gc
import threading

import torch

from demo.core.feature_cache import FeatureShelf
from ram.models.image_encoder import ImageFeatures

ONE = 4 * 3 * 4
"""Bytes of the features of one photo here."""


def features(value=0.0):
    return ImageFeatures(torch.full((1, 3, 4), value))


def test_what_was_used_longest_ago_makes_way_and_the_rest_is_as_it_was():
    shelf = FeatureShelf(most_bytes=3 * ONE)
    first, second, third = (shelf.keep(features(value)) for value in (1.0, 2.0, 3.0))
    assert shelf.take(first).tokens.unique().tolist() == [1.0]
    fourth = shelf.keep(features(4.0))
    kept = [shelf.take(one) for one in (first, second, third, fourth)]
    assert [None if one is None else one.tokens[0, 0, 0].item() for one in kept] == [1.0, None, 3.0, 4.0]
    assert shelf.bytes == 3 * ONE


def test_an_album_that_nobody_holds_any_more_leaves_its_room_to_others():
    shelf = FeatureShelf(most_bytes=2 * ONE)
    stays, goes = shelf.keep(features()), shelf.keep(features())
    del goes
    gc.collect()
    assert shelf.bytes == ONE
    also = shelf.keep(features())
    assert shelf.take(stays) is not None and shelf.take(also) is not None


def test_what_alone_is_larger_than_the_shelf_is_not_kept():
    shelf = FeatureShelf(most_bytes=ONE - 1)
    assert shelf.take(shelf.keep(features())) is None
    assert shelf.bytes == 0


def test_classes_of_a_photo_count_too():
    shelf = FeatureShelf()
    kept = shelf.keep(ImageFeatures(torch.zeros(1, 3, 4), torch.zeros(1, 10)))
    assert kept.bytes == shelf.bytes == ONE + 40


def test_many_albums_at_once_stay_within_the_room():
    shelf, held = FeatureShelf(most_bytes=50 * ONE), []

    def fill():
        held.append([shelf.keep(features()) for _ in range(40)])

    fillers = [threading.Thread(target=fill) for _ in range(8)]
    for one in fillers:
        one.start()
    for one in fillers:
        one.join()
    assert shelf.bytes == 50 * ONE
    assert sum(shelf.take(kept) is not None for album in held for kept in album) == 50
