"""The dense teacher: a classifier read in parts of an image, its classes as everyday tags."""

import csv

import pytest
import torch

from ram.labels.label_system import LabelSystem
from ram.training.data.triplets import Triplets
from ram.training.data_engine.dense_tags import (
    CLASSES,
    DenseTeacher,
    class_membership,
    generated,
    join_dense_tags,
    rejected,
    rival_tags,
)
from tests.paths import ROOT


@pytest.fixture
def teacher():
    """Three classes, one a channel: corgi and pug are dogs, the third means no tag."""
    return DenseTeacher(10 * torch.eye(3), torch.zeros(3), torch.tensor([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]]))


def test_a_small_object_is_seen_in_its_part_only(teacher):
    patches = torch.zeros(1, 16, 3)
    patches[..., 2] = 1
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        patches[0, 4 * row + column] = torch.tensor([1.0, 0, 0])
    whole, part = teacher.look(patches)
    assert whole[0, 0] < 0.05 and part[0, 0] > 0.9
    assert torch.allclose(part[0, 2], part[0, 0], atol=1e-3)


def test_classes_of_one_kind_add_up(teacher):
    patches = torch.tensor([1.0, 1.0, 0.0]).expand(1, 16, 3)
    whole, _ = teacher.look(patches)
    assert whole[0, 0] < 0.51 and whole[0, 2] > 0.99


def test_one_sure_look_or_two_that_agree_generate_a_tag():
    whole, part = torch.tensor([[0.1, 0.3, 0.3, 0.0]]), torch.tensor([[0.9, 0.35, 0.1, 0.4]])
    assert generated(whole, part, sure=0.5, agreed=0.2).tolist() == [[True, True, False, False]]


def test_generated_tags_join_the_given_ones(teacher):
    triplets = Triplets(("a", "b"), ((), ()), torch.tensor([[0, 1, 0], [0, 0, 0]]).bool(), torch.zeros(2, 3).bool())
    patches = torch.stack([torch.eye(3)[0].expand(16, 3), torch.eye(3)[2].expand(16, 3)])
    absent = torch.tensor([[0, 1, 0], [0, 1, 0]]).bool()
    joined = join_dense_tags(triplets, generated(*teacher.look(patches), 0.5, 0.2), absent)
    assert joined.targets.tolist() == [[True, True, True], [False, False, False]]
    assert joined.known.tolist() == [[True, True, True], [False, True, False]]


def test_rivals_are_tags_whose_classes_look_alike_and_no_kinds_of_each_other():
    weight = torch.tensor([[1.0, 0], [0.9, 0.1], [0.8, 0.2], [0, 1]])  # lion, tiger, cat, car
    own = torch.eye(4)
    members = own.clone()
    members[1, 2] = 1  # a tiger is a cat here
    rivals = rival_tags(weight, own, members, count=2)
    assert rivals.tolist() == [
        [False, True, True, False],
        [True, False, False, False],
        [True, False, False, False],
        [False, True, True, False],
    ]


def test_rivals_that_are_seen_nowhere_are_rejected_where_the_teacher_is_sure():
    rivals = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]).bool()
    whole = torch.tensor([[0.9, 0.01, 0.01, 0.01], [0.4, 0.01, 0.01, 0.0]])
    part = torch.tensor([[0.2, 0.01, 0.3, 0.01], [0.4, 0.01, 0.01, 0.0]])
    found = rejected(whole, part, rivals, sure=0.5, below=0.02)
    assert found.tolist() == [[False, True, False, False], [False] * 4]
    assert not rejected(whole, part, rivals, sure=0.5, below=0.0).any()


def test_the_classes_mean_tags_of_the_everyday_system():
    tags = LabelSystem.load(ROOT / "ram" / "labels" / "everyday").vocabulary
    ids = {tag: index for index, tag in enumerate(tags.tags)}
    with open(CLASSES, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["class"]) for row in rows] == list(range(1000))
    assert {row["tag"] for row in rows} - {""} <= set(ids)
    members = class_membership(ids)
    assert members[263, ids["corgi"]] and members[263, ids["dog"]] and members[263, ids["animal"]]
    assert not members[263, ids["cat"]]
