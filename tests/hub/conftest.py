"""The stand-in of the hub, with an empty cache."""

import pytest

from tests.checkpoints.conftest import hub as hub
from tests.checkpoints.conftest import online as online
from tests.tiny import tiny_tagger


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")


@pytest.fixture
def tagger():
    return tiny_tagger()
