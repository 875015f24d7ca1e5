"""Baselines by name, and the prompts that stand for their tags."""

import pytest

from ram.errors import InputError
from ram.evaluation.baselines.baseline_loading import Request, baselines, load_baseline
from ram.evaluation.baselines.hand_prompts import prompts_of


def test_every_baseline_says_what_it_needs():
    named = baselines()
    assert list(named)[:4] == ["clip", "siglip2", "pe-core", "mobileclip2"] and len(named) == 11
    assert all(named.values())


def test_unknown_names_and_a_probe_without_pictures_are_refused():
    with pytest.raises(InputError, match="there is no baseline 'clop': choose one of clip"):
        load_baseline("clop", Request({"dog": ("a dog",)}))
    with pytest.raises(InputError, match="learns from labelled pictures"):
        load_baseline("linear-probe", Request({"dog": ("a dog",)}))


def test_prompts_are_one_sentence_or_an_ensemble():
    assert prompts_of(["corgi"], "name") == {"corgi": ("a photo of a corgi.",)}
    many = prompts_of(["corgi"], "ensemble")["corgi"]
    assert many[0] == "a photo of a corgi." and len(many) > 3
    with pytest.raises(InputError, match="there are no prompts 'x'"):
        prompts_of(["corgi"], "x")
