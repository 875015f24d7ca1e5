"""Teachers speak the language of the text encoder: captions, an ImageNet classifier, CLIP's image tower."""

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ram.errors import TeacherError
from ram.models.text_encoder import ClipTextEncoder
from ram.training.data_engine.imagenet import class_names
from ram.training.teachers import ClipTeacher, captions_teacher, classifier_teacher
from tests.tiny import DIM, HashTextEncoder


def test_captions_teach_the_direction_of_their_mean():
    captions = F.normalize(torch.randn(6, DIM), dim=1)
    teacher = captions_teacher(captions, torch.tensor([0, 3, 3, 4, 6]))
    taught = teacher.teach(torch.tensor([3, 0, 1]))
    torch.testing.assert_close(taught[0], F.normalize(captions[4] + captions[5], dim=0))
    torch.testing.assert_close(taught[1], F.normalize(captions[:3].mean(0), dim=0))
    assert not taught[2].any()  # it has no caption


def test_the_classes_have_the_names_of_imagenet():
    names = class_names()
    assert len(names) == 1000
    assert (names[0], names[281], names[504]) == (("tench", "Tinca tinca"), ("tabby", "tabby cat"), ("coffee mug",))


def test_the_classifier_teaches_the_names_it_expects():
    probabilities = torch.zeros(3, 1000)
    probabilities[0, 504] = 1
    probabilities[1, 281], probabilities[1, 0] = 0.75, 0.25
    probabilities[2] = 1 / 1000
    taught = classifier_teacher(probabilities, HashTextEncoder()).teach(torch.arange(3))
    mug, tabby, tench = (HashTextEncoder.vector(f"a photo of a {n}.") for n in ("coffee mug", "tabby", "tench"))
    torch.testing.assert_close(taught[0], mug)
    torch.testing.assert_close(taught[1], F.normalize(3 * tabby + tench, dim=0))
    torch.testing.assert_close(taught.norm(dim=1), torch.ones(3))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, size in enumerate([(40, 30), (30, 40)]):
        Image.effect_noise(size, 80).convert("RGB").save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def clip(pictures):
    torch.manual_seed(0)
    return ClipTeacher(pictures, pretrained=None)


def test_the_clip_teacher_has_the_width_of_the_text_tower(clip):
    both = clip.teach(torch.tensor([1, 0]))
    assert both.shape == (2, ClipTextEncoder.dim) and both.dtype == torch.float32 and not both.requires_grad
    torch.testing.assert_close(clip.teach(torch.tensor([0])), both[1:], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(both[0], both[1], atol=1e-3)


def test_clip_sees_colours_by_its_own_statistics(clip, pictures, monkeypatch):
    seen = []
    clip.tower.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    square = pictures[0].with_name("square.png")
    Image.new("RGB", (224, 224), (255, 0, 51)).save(square)
    monkeypatch.setattr(clip, "pictures", [square])
    clip.teach(torch.tensor([0]))
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # Radford et al. 2021
    wanted = [(v - m) / s for v, m, s in zip((1, 0, 0.2), mean, std, strict=True)]
    assert seen[0].shape == (1, 3, 224, 224)
    assert seen[0][0, :, 7, 7].tolist() == pytest.approx(wanted, abs=1e-4)


def test_a_clip_that_cannot_be_had_is_one_sentence(monkeypatch, pictures):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("open_clip.create_model", offline)
    with pytest.raises(TeacherError, match=r"CLIP ViT-B/16, the teacher, .*\(OSError\): connect once") as raised:
        ClipTeacher(pictures)
    assert "\n" not in str(raised.value)
