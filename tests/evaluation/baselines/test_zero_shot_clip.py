"""CLIP as a tagger: cosines with sentences against a neutral one, each tag on its own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from huggingface_hub import constants
from PIL import Image
from torch import nn

from demo.core.comparison import predefined_banks
from demo.core.workbench import Workbench
from ram.backends import Explainer
from ram.evaluation.baselines import zero_shot_clip as zero_shot
from ram.evaluation.baselines.zero_shot_clip import NEUTRAL, ZeroShotTagger, clip_is_here
from ram.models.config import ImageConfig, ModelConfig
from ram.tagger import Tagger
from tests.tiny import DESCRIPTIONS, DIM, HashTextEncoder, tiny_tagger

CONFIG = ModelConfig("tiny-clip", ImageConfig("clip", 32, interpolation="bicubic"), HashTextEncoder.name, DIM)


class OtherEncoder(HashTextEncoder):
    name = "other"


@pytest.fixture
def visual():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, DIM))


@pytest.fixture
def photo():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))


def test_a_probability_compares_sentences_with_the_neutral_one(visual, photo):
    like = tiny_tagger()
    clip = ZeroShotTagger(visual, HashTextEncoder(), like, CONFIG)
    prediction = clip.tag(photo)
    seen = F.normalize(visual(clip.transform(photo)[None]), dim=-1)[0]
    for tag, sentences in DESCRIPTIONS.items():
        about = F.normalize(torch.stack([HashTextEncoder.vector(s) for s in sentences]).mean(0), dim=0)
        pair = torch.stack([seen @ about, seen @ HashTextEncoder.vector(NEUTRAL)])
        assert prediction[tag].probability == pytest.approx(float((100 * pair).softmax(0)[0]), abs=1e-5)
        assert [d.weight for d in prediction[tag].descriptions] == pytest.approx([1 / len(sentences)] * len(sentences))
        assert prediction[tag].threshold == 0.5


def test_clip_offers_nothing_that_cannot_work_for_it(visual):
    clip = ZeroShotTagger(visual, HashTextEncoder(), tiny_tagger(), CONFIG)
    assert not isinstance(clip, (Tagger, Explainer))
    assert not [name for name in ("shortlist", "explain", "with_bank", "save_pack", "load_pack") if hasattr(clip, name)]
    assert [name for name, _ in clip.score(clip.look(Image.new("RGB", (9, 9))))["dog"].evidence.terms] == ["cosine"]


def test_asking_for_more_categories_changes_no_score(visual, photo):
    clip = ZeroShotTagger(visual, HashTextEncoder(), tiny_tagger(), CONFIG)
    features = clip.look(photo)
    alone = clip.score(features, clip.embed({"corgi": ["a corgi."]}))
    beside = clip.score(features, clip.bank.join(clip.embed({"corgi": ["a corgi."]})))
    assert alone["corgi"].probability == pytest.approx(beside["corgi"].probability, abs=1e-6)


def test_tags_of_another_text_encoder_are_left_out(visual, photo):
    like = tiny_tagger()
    config = ModelConfig("tiny-clip", CONFIG.image, OtherEncoder.name, DIM)
    clip = ZeroShotTagger(visual, OtherEncoder(), like, config)
    assert len(clip.tag(photo)) == 0
    assert "corgi" in clip.score(clip.look(photo), clip.embed({"corgi": ["a corgi."]})).vocabulary
    assert list(predefined_banks([like, clip])) == ["tiny"]


def test_the_workbench_compares_it_like_any_other_model(visual, photo, tmp_path):
    like = tiny_tagger()
    bench = Workbench([like, ZeroShotTagger(visual, HashTextEncoder(), like, CONFIG)], lambda name: None)
    photo.save(tmp_path / "photo.png")
    *_, last = bench.tag(tmp_path / "photo.png")
    assert bench.labels == {"tiny": "RAM++", "tiny-clip": "CLIP"}
    assert set(last.photo.features) == {"tiny", "tiny-clip"}


def test_clip_is_used_only_where_its_weights_are_cached(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert not clip_is_here()
    folder = tmp_path / "models--timm--vit_base_patch16_clip_224.openai"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    assert not clip_is_here()
    (folder / "snapshots" / "abc" / "open_clip_model.safetensors").write_bytes(b"weights")
    assert clip_is_here()
    assert zero_shot.ABSENT.endswith(".")


def test_clip_has_the_towers_and_statistics_of_open_clip(monkeypatch, photo):
    open_clip = pytest.importorskip("open_clip")
    vision = {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32}
    text = {"width": 32, "heads": 2, "layers": 1}

    def tiny_clip(name, pretrained):
        made = open_clip.CLIP(512, vision, text, quick_gelu=True)
        made.visual.image_mean, made.visual.image_std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
        return made

    monkeypatch.setattr("open_clip.create_model", tiny_clip)
    clip = zero_shot.load_zero_shot(tiny_tagger())
    assert (clip.config.image.size, clip.config.image.mean, clip.transform.fit) == (32, (0.1, 0.2, 0.3), "crop")
    assert 0 < clip.score(clip.look(photo), clip.embed({"corgi": ["a corgi."]}))["corgi"].probability < 1
    assert clip.kind == "CLIP" and clip.text_encoder.name == "clip-vit-b-16"
