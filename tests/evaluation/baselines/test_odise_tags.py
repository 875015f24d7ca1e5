"""ODISE as a tagger: tags with a segment, and a sentence where the package is missing."""

import pytest
from PIL import Image

from ram.errors import MissingPackageError
from ram.evaluation.baselines.odise_tags import SegmentTagger, load_odise


def test_tags_with_a_segment_are_present():
    tagger = SegmentTagger(lambda picture: [{"category_id": 2}, {"category_id": 0}], ["dog", "cat", "sky"])
    assert tagger.score(Image.new("RGB", (4, 4))).tolist() == [1, 0, 1]


def test_the_missing_package_gets_a_sentence():
    with pytest.raises(MissingPackageError, match="ODISE is not installed .* NVlabs/ODISE$"):
        load_odise(["dog"])
