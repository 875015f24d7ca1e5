"""A compiled image encoder gives the plain one's features, from any thread, or says why it cannot be compiled."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from ram.models.fast import compiling
from ram.models.fast.compiling import compile_encoder
from tests.tiny import tiny_model, tiny_pixels

pytestmark = pytest.mark.slow


def test_a_compiled_encoder_gives_the_features_of_the_plain_one():
    if not shutil.which("g++") and not shutil.which("clang++"):
        pytest.skip("needs a C++ compiler")
    encoder, plain = tiny_model().image_encoder, tiny_model().image_encoder
    compile_encoder(encoder, tiny_pixels())
    frames = torch._dynamo.utils.counters["frames"]["ok"]
    assert frames
    for pictures in (1, 3):
        pixels = tiny_pixels(pictures)
        wanted = plain(pixels).tokens
        torch.testing.assert_close(encoder(pixels).tokens, wanted, atol=1e-5, rtol=1e-5)
        with torch.inference_mode():
            torch.testing.assert_close(encoder(pixels.clone()).tokens, wanted, atol=1e-5, rtol=1e-5)
    assert torch._dynamo.utils.counters["frames"]["ok"] == frames


def test_an_encoder_that_cannot_be_compiled_is_left_as_it_was(monkeypatch):
    def without_compiler(function, **how):
        def fail(pixels):
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\n  File ...")

        return fail

    monkeypatch.setattr(torch, "compile", without_compiler)
    encoder = tiny_model().image_encoder
    with pytest.raises(ValueError, match=r"cannot be compiled here \(InvalidCxxCompiler: No working.*found\): install"):
        compile_encoder(encoder, tiny_pixels())
    assert "forward" not in vars(encoder)


def test_a_cuda_graph_is_replayed_by_one_thread_at_a_time(monkeypatch):
    """The graph is a stand-in with one output buffer, which every replay overwrites."""
    running, most, counting = 0, 0, threading.Lock()

    def with_one_buffer(function, **how):
        buffer = []

        def replay(pixels):
            nonlocal running, most
            with counting:
                running += 1
                most = max(most, running)
            features = function(pixels)
            if buffer:
                buffer[0].tokens.copy_(features.tokens)
            else:
                buffer.append(features)
            time.sleep(0.01)
            with counting:
                running -= 1
            return buffer[0]

        return replay

    monkeypatch.setattr(torch, "compile", with_one_buffer)
    monkeypatch.setattr(compiling, "uses_graph", lambda pixels: True, raising=False)
    encoder, plain = tiny_model().image_encoder, tiny_model().image_encoder
    compile_encoder(encoder, tiny_pixels())
    with ThreadPoolExecutor(4) as pool, torch.inference_mode():
        found = list(pool.map(lambda seed: encoder(tiny_pixels(seed=seed)).tokens, range(8)))
        for seed, tokens in enumerate(found):
            torch.testing.assert_close(tokens, plain(tiny_pixels(seed=seed)).tokens, atol=1e-5, rtol=1e-5)
    assert most == 1
