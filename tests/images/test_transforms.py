"""The transforms are those of the weights."""

import numpy as np
import pytest
import torch
from PIL import Image

from ram.images.transforms import EvalTransform, TrainTransform

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(48, 64), (64, 48), (1, 1), (1, 300), (24, 24), (301, 200)])
def test_eval_transform_equals_torchvision(interpolation, size):
    pytest.importorskip("ram.models.torchvision_shim")
    transforms = pytest.importorskip("torchvision.transforms")
    picture = PICTURE.resize(size)
    theirs = transforms.Compose(
        [
            transforms.Resize((24, 24), transforms.InterpolationMode(interpolation)),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )(picture)
    ours = EvalTransform(24, MEAN, STD, interpolation)(picture)
    assert ours.shape == (3, 24, 24) and ours.dtype == torch.float32 and ours.is_contiguous()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(48, 64), (96, 24), (24, 24)])
def test_crop_shows_the_centre_square_as_torchvision_does(size):
    pytest.importorskip("ram.models.torchvision_shim")
    transforms = pytest.importorskip("torchvision.transforms")
    picture = PICTURE.resize(size)
    steps = [transforms.Resize(24), transforms.CenterCrop(24), transforms.ToTensor()]
    theirs = transforms.Compose(steps)(picture)
    torch.testing.assert_close(EvalTransform(24, (0, 0, 0), (1, 1, 1), fit="crop")(picture), theirs, atol=1e-6, rtol=0)


def test_training_without_changes_is_the_eval_transform():
    still = {"scale": (1, 1), "ratio": (1, 1), "jitter": 0}
    expected = EvalTransform(16, MEAN, STD)(PICTURE)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(TrainTransform(16, MEAN, STD, flip=0, **still)(PICTURE, generator), expected)
    mirrored = TrainTransform(16, MEAN, STD, flip=1, **still)(PICTURE, generator)
    torch.testing.assert_close(mirrored, expected.flip(2), atol=0.03, rtol=0)


def test_random_crops_follow_the_generator_and_stay_inside():
    transform = TrainTransform(8, MEAN, STD)
    first, again, other = (transform(PICTURE, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.allclose(first, other)
    plain = TrainTransform(8, (0, 0, 0), (1, 1, 1), scale=(0.01, 1), jitter=0)
    for width, height in ((1, 1), (3, 500), (31, 17)):
        one_colour = Image.new("RGB", (width, height), (51, 102, 255))
        for seed in range(40):
            pixels = plain(one_colour, torch.Generator().manual_seed(seed))
            assert torch.equal(pixels.amax((1, 2)), pixels.amin((1, 2)))
            torch.testing.assert_close(pixels[:, 0, 0], torch.tensor([0.2, 0.4, 1.0]))


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: EvalTransform(0, MEAN, STD), "image size is 0"),
        (lambda: EvalTransform(8, MEAN, (1, 1, 0)), "3 positive stds"),
        (lambda: EvalTransform(8, MEAN, STD, "nearest"), "interpolation is 'nearest'"),
        (lambda: EvalTransform(8, MEAN, STD, fit="pad"), "fit is 'pad'"),
        (lambda: EvalTransform(8, MEAN, STD)(Image.new("L", (2, 2))), "not mode L"),
        (lambda: TrainTransform(8, MEAN, STD, scale=(0.5, 2)), "crop scale is"),
        (lambda: TrainTransform(8, MEAN, STD, ratio=(2, 1)), "crop ratio is"),
        (lambda: TrainTransform(8, MEAN, STD, flip=2), "flip is 2"),
    ],
)
def test_wrong_settings_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
