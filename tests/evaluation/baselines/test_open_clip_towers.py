"""Models of open_clip as two towers, with tiny random weights."""

import pytest
import torch
from PIL import Image

import ram.models.torchvision_shim  # noqa: F401
from ram.errors import DownloadError, InputError
from ram.evaluation.baselines.open_clip_towers import OpenClipTowers, load_open_clip, tower_names

PHOTO = Image.linear_gradient("L").convert("RGB").resize((40, 30))


@pytest.fixture(scope="module")
def tiny():
    open_clip = pytest.importorskip("open_clip")
    torch.manual_seed(0)
    vision = {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32}
    model = open_clip.CLIP(24, vision, {"width": 32, "heads": 2, "layers": 1}, init_logit_scale=1.5)
    return model.eval(), open_clip.image_transform(32, is_train=False), open_clip.SimpleTokenizer()


def test_cosines_equal_those_of_the_library(tiny):
    model, prepare, tokenize = tiny
    towers = OpenClipTowers(model, prepare, tokenize, "tiny")
    sentences = [f"a photo of thing {i}." for i in range(70)]  # more than a batch
    with torch.no_grad():
        image, texts, scale = model(prepare(PHOTO)[None], tokenize(sentences))[:3]
    expected = (texts @ image.T)[:, 0]
    assert torch.allclose(towers.encode_texts(sentences) @ towers.encode_image(PHOTO), expected, atol=1e-5)
    assert towers.scale == pytest.approx(float(scale)) and towers.bias is None


def test_every_listed_model_is_known_to_open_clip():
    open_clip = pytest.importorskip("open_clip")
    assert set(tower_names().values()) <= set(open_clip.list_pretrained())
    assert set(tower_names()) == {"clip", "siglip2", "pe-core", "mobileclip2"}


def test_unknown_models_and_missing_weights_get_a_sentence(monkeypatch):
    with pytest.raises(InputError, match="open_clip has no model 'clop': choose one of clip, siglip2"):
        load_open_clip("clop")
    with pytest.raises(InputError, match="ViT-L-14 needs weights"):
        load_open_clip("ViT-L-14")

    def refuse(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr("open_clip.create_model_and_transforms", refuse)
    with pytest.raises(DownloadError, match=r"the weights openai of ViT-B-16-quickgelu are neither here .*OSError"):
        load_open_clip("clip")
