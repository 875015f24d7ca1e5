"""Against FiftyOne itself, in a process of its own: it starts a database, which this machine may lack."""

import json
import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest
from PIL import Image

from ram.neighbours.needed import needed
from tests.paths import ROOT

ZOO = ROOT / "ram" / "neighbours" / "fiftyone_zoo"


def test_the_manifest_has_the_fields_that_fiftyone_reads():
    manifest = json.loads((ZOO / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["name"]
    for model in manifest["models"]:
        assert {"base_name", "base_filename", "description", "tags", "requirements", "date_added"} <= set(model)
        assert (ROOT / "ram" / "pretrained" / model["base_filename"]).is_dir()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("fiftyone") is None, reason="needs FiftyOne: make test-neighbours")
def test_a_dataset_is_tagged_boxed_and_embedded(tmp_path):
    assert needed("fiftyone.core.config")
    Image.open(ROOT / "assets" / "examples" / "dogs.jpg").save(tmp_path / "dogs.jpg")
    script = """
        import sys
        import fiftyone as fo, fiftyone.zoo as foz
        from ram.neighbours.fiftyone_model import add_to_zoo

        add_to_zoo()
        dataset = fo.Dataset.from_images([sys.argv[1]])
        dataset.apply_model(foz.load_zoo_model("ram/ram-lite"), label_field="tags", embeddings_field="looks")
        dataset.apply_model(foz.load_zoo_model("ram/ram-lite", tags=["Dog", "kite"], boxes=True), label_field="boxes")
        one = dataset.first()
        assert "dog" in [label.label for label in one.tags.classifications], one.tags
        assert [box.label for box in one.boxes.detections] and {box.label for box in one.boxes.detections} == {"Dog"}
        assert len(one.looks) == 384
        assert all(0 <= side <= 1 for box in one.boxes.detections for side in box.bounding_box)
        print("all is well")
    """
    environment = {"FIFTYONE_MODEL_ZOO_DIR": str(tmp_path / "zoo"), "FIFTYONE_DO_NOT_TRACK": "1", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "dogs.jpg")],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    if "ServiceListenTimeout" in ran.stderr:
        pytest.skip("FiftyOne's database does not start here")
    assert "all is well" in ran.stdout, ran.stderr[-2000:]
