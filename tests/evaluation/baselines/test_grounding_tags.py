"""Grounding-DINO as a tagger: the best box of each tag, with tiny random weights; missing weights get a sentence."""

import pytest
import torch
from PIL import Image

from ram.errors import DownloadError
from ram.evaluation.baselines.grounding_tags import GroundingTagger
from ram.models.transformers_hub import load_from_hub
from tests.hub_models import tiny_grounding_dino

pytestmark = pytest.mark.slow
PHOTO = Image.new("RGB", (80, 60), (200, 30, 30))


def test_a_tag_is_as_likely_as_its_best_box():
    model, processor = tiny_grounding_dino()
    tags = ["dog", "Pine tree", "cat"] * 3 + ["dog"]
    scores = GroundingTagger(model, processor, tags).score(PHOTO)
    for tag, score in zip(tags[:3], scores[:3], strict=True):
        inputs = processor(images=PHOTO, text=f"{tag.lower()}.", return_tensors="pt")
        with torch.no_grad():
            best = model(**inputs).logits.sigmoid().max()
        assert score == pytest.approx(float(best), abs=1e-4)
    assert scores[0] == pytest.approx(scores[-1], abs=1e-4)


def test_missing_weights_get_a_sentence(tmp_path):
    with pytest.raises(DownloadError, match="could not be loaded from here or the .*: connect once, or give a folder"):
        load_from_hub("BlipForImageTextRetrieval", str(tmp_path))
