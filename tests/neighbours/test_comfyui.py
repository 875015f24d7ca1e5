"""Nodes in the form that ComfyUI loads: recorded from its own nodes, since it is no package."""

import inspect

import pytest
import torch

from ram.neighbours import comfyui

TYPES = {"IMAGE", "MASK", "STRING", "FLOAT", "INT"}


@pytest.fixture
def loaded(tagger, monkeypatch):
    monkeypatch.setattr(comfyui, "_loaded", lambda model: tagger)


@pytest.fixture
def batch():
    return torch.rand(2, 40, 60, 3)


@pytest.mark.parametrize("node", comfyui.NODE_CLASS_MAPPINGS.values(), ids=lambda node: node.__name__)
def test_a_node_declares_what_its_function_takes_and_gives(node):
    assert set(comfyui.NODE_CLASS_MAPPINGS) == set(comfyui.NODE_DISPLAY_NAME_MAPPINGS)
    inputs = node.INPUT_TYPES()
    assert set(inputs) <= {"required", "optional", "hidden"}
    for kind, *_ in {**inputs["required"], **inputs.get("optional", {})}.values():
        assert isinstance(kind, list) or kind in TYPES
    taken = inspect.signature(getattr(node, node.FUNCTION)).parameters
    assert set(taken) - {"self"} == {*inputs["required"], *inputs.get("optional", {})}
    assert set(node.RETURN_TYPES) <= TYPES and len(node.RETURN_TYPES) == len(node.OUTPUT_IS_LIST)


def test_every_image_of_a_batch_gets_its_tags(loaded, batch):
    (texts,) = comfyui.RamTags().tag(batch, "ram-lite", 0.0, leave_out="cat")
    assert [set(text.split(", ")) for text in texts] == [{"dog", "pine tree"}] * 2
    (texts,) = comfyui.RamTags().tag(batch, "ram-lite", 0.0, categories="Dog, red kite")
    assert all("Dog" in text and "cat" not in text for text in texts)


def test_a_mask_covers_the_regions_that_were_found(loaded, batch):
    masks, found = comfyui.RamMask().mask(batch, "ram-lite", "dog", 0.0)
    assert masks.shape == (2, 40, 60) and set(masks.unique().tolist()) <= {0.0, 1.0}
    assert found == ["dog", "dog"] and masks.amax(dim=(1, 2)).tolist() == [1, 1]
    masks, found = comfyui.RamMask().mask(batch, "ram-lite", "dog", 1.0)
    assert found == ["", ""] and not masks.any()
