"""A compiled image encoder sees what the plain one sees, and says so where nothing can be compiled."""

import shutil

import pytest
import torch

from ram.models.fast.compiling import compile_encoder
from tests.tiny import tiny_model, tiny_pixels


def test_a_compiled_encoder_sees_the_same_in_pictures_of_its_shape_and_of_others():
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


def test_where_nothing_can_be_compiled_one_sentence_says_so_and_the_encoder_is_as_it_was(monkeypatch):
    def without_compiler(function, **how):
        def fail(pixels):
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\n  File ...")

        return fail

    monkeypatch.setattr(torch, "compile", without_compiler)
    encoder = tiny_model().image_encoder
    with pytest.raises(ValueError, match=r"cannot be compiled here \(InvalidCxxCompiler: No working.*found\): install"):
        compile_encoder(encoder, tiny_pixels())
    assert "forward" not in vars(encoder)
