"""What loads through transformers says how to get it; the shipped models need none of it."""

import subprocess
import sys

import pytest

from ram.errors import MissingPackageError
from ram.models.transformers_hub import load_from_hub

WITHOUT = """
import sys
sys.modules["transformers"] = None
import ram
tagger = ram.load("ram-plus-lite", device="cpu")
print(len(tagger.embed({"corgi": ["a small dog with short legs"]})))
"""


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPackageError, match=r"a/detector needs transformers: pip install 'ram\[transformers\]'"):
        load_from_hub("AutoModelForZeroShotObjectDetection", "a/detector")


@pytest.mark.slow
def test_typed_categories_are_embedded_without_it():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
