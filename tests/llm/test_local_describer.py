"""The local describer with its real model: sentences come, are usable, and the process ends."""

from __future__ import annotations

import os

import pytest

from ram.describers.lexicon.describer import LexiconDescriber
from ram.describers.lexicon.synsets import Lexicon
from ram.describers.local.describer import MAX_KEPT, LocalDescriber
from ram.describers.local.server import CompletionServer
from ram.describers.local.weights import is_available
from ram.models.text_encoder import encode_sentences
from ram.text.cleaning import clean_sentence

pytestmark = pytest.mark.llm


def test_a_real_model_describes_a_kite_and_ends() -> None:
    if not is_available():
        pytest.skip("needs a language model on this machine: `make test-llm` installs one")
    server = CompletionServer()
    local = LocalDescriber(server, LexiconDescriber(Lexicon.installed()), encode_sentences)
    try:
        plain, *sentences = local.describe("kite")
        pid = server.pid
    finally:
        server.close()
    assert plain == "a photo of a kite." and 2 <= len(sentences) <= MAX_KEPT
    assert sentences == [clean_sentence(text) for text in sentences] and all("kite" in text for text in sentences)
    assert pid is not None and server.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
