"""The cache of features stays within its limit and removes the least recently used."""

import gc
import threading

import torch

from demo.core.feature_cache import FeatureCache
from ram.models.image_encoder import ImageFeatures

ONE = 4 * 3 * 4
"""Bytes of the features of one photo in these tests."""


def features(value=0.0):
    return ImageFeatures(torch.full((1, 3, 4), value))


def test_the_least_recently_used_features_are_removed():
    cache = FeatureCache(max_bytes=3 * ONE)
    first, second, third = (cache.add(features(value)) for value in (1.0, 2.0, 3.0))
    assert cache.get(first).tokens.unique().tolist() == [1.0]
    fourth = cache.add(features(4.0))
    kept = [cache.get(one) for one in (first, second, third, fourth)]
    assert [None if one is None else one.tokens[0, 0, 0].item() for one in kept] == [1.0, None, 3.0, 4.0]
    assert cache.bytes == 3 * ONE


def test_features_of_a_dropped_album_are_freed():
    cache = FeatureCache(max_bytes=2 * ONE)
    stays, goes = cache.add(features()), cache.add(features())
    del goes
    gc.collect()
    assert cache.bytes == ONE
    also = cache.add(features())
    assert cache.get(stays) is not None and cache.get(also) is not None


def test_features_larger_than_the_cache_are_not_kept():
    cache = FeatureCache(max_bytes=ONE - 1)
    assert cache.get(cache.add(features())) is None
    assert cache.bytes == 0


def test_classifier_features_count_too():
    cache = FeatureCache()
    kept = cache.add(ImageFeatures(torch.zeros(1, 3, 4), torch.zeros(1, 10), torch.zeros(1, 3, 2)))
    assert kept.bytes == cache.bytes == ONE + 40 + 24


def test_many_threads_stay_within_the_limit():
    cache, held = FeatureCache(max_bytes=50 * ONE), []

    def fill():
        held.append([cache.add(features()) for _ in range(40)])

    fillers = [threading.Thread(target=fill) for _ in range(8)]
    for one in fillers:
        one.start()
    for one in fillers:
        one.join()
    assert cache.bytes == 50 * ONE
    assert sum(cache.get(kept) is not None for album in held for kept in album) == 50


def test_an_album_that_another_thread_drops_meanwhile_makes_room():
    """Its entry is still there while its finalizer waits for the lock, but what it held is gone."""
    cache = FeatureCache(max_bytes=ONE)
    held = [cache.add(features())]
    dropping = threading.Thread(target=held.clear, daemon=True)
    with cache._lock:
        dropping.start()
        while held:
            pass
        filling = cache.add(features(2.0))
    dropping.join(timeout=10)
    assert not dropping.is_alive() and cache.bytes == ONE
    assert cache.get(filling).tokens.unique().tolist() == [2.0]
