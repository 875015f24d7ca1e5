"""What ``import ram`` offers: every public name, and nothing heavy before it is used."""

import subprocess
import sys

import pytest

import ram
from ram.errors import RamError
from tests.paths import ROOT

NAMES = {
    "load", "list_models", "convert_official", "Tagger", "Prediction", "TagScore", "Evidence", "Explanation",
    "TagVocabulary", "TagDescriptions", "TagEmbeddingBank", "ModelConfig", "RamError",
}  # fmt: skip


def test_every_public_name_can_be_imported():
    assert set(ram.__all__) > NAMES
    for name in ram.__all__:
        assert getattr(ram, name).__name__ == name


def test_every_error_of_the_package_is_exported():
    def children(error):
        return {error, *(one for child in error.__subclasses__() for one in children(child))}

    own = {error.__name__ for error in children(RamError) if error.__module__ == "ram.errors"}
    assert own <= set(ram.__all__)


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="module 'ram' has no attribute 'tagger_of'"):
        ram.tagger_of  # noqa: B018


def test_importing_ram_imports_no_torch():
    program = "import sys, ram; ram.RamError; print('torch' in sys.modules, 'gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
