"""The stages of the image, as far as they can be checked without Docker: files, packages, and the program's start."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT


@pytest.fixture(scope="module")
def instructions():
    """Name and arguments of each instruction, in order."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def of(instructions, name):
    return [arguments for instruction, arguments in instructions if instruction == name]


def test_every_copied_file_is_in_a_clone(instructions):
    for arguments in of(instructions, "COPY"):
        *sources, _ = shlex.split(arguments)
        assert all((ROOT / source).exists() for source in sources), arguments


def test_the_installed_packages_are_all_that_the_page_needs(instructions):
    (install,) = [line for line in of(instructions, "RUN") if line.startswith("pip install")]
    assert "-r requirements-host.txt" in install
    lines = (ROOT / "requirements-host.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)[1]
    assert {canonicalize_name(Requirement(one).name) for one in re.findall(r'"([^"]+)"', needed)} <= pinned


def test_the_base_image_is_a_python_that_is_supported(instructions):
    (base,) = of(instructions, "FROM")
    assert re.fullmatch(r"python:3\.1[0-3]-slim", base)


def test_the_program_runs_as_a_user_and_is_watched(instructions):
    assert of(instructions, "USER") == ["page"] and "useradd" in " ".join(of(instructions, "RUN"))
    (watched,) = of(instructions, "HEALTHCHECK")
    command = json.loads(watched[watched.index("[") :])
    assert command[:2] == ["python", "-c"] and "/health" in command[2]
    compile(command[2], "healthcheck", "exec")
    assert of(instructions, "EXPOSE")[0] in command[2]


@pytest.mark.slow
def test_the_entry_point_starts_from_the_copied_files_alone(instructions, tmp_path):
    for arguments in of(instructions, "COPY"):
        *sources, target = shlex.split(arguments)
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, tmp_path / target, ignore=ignored, copy_function=os.symlink)
            else:
                shutil.copyfile(ROOT / source, tmp_path / source)
    (entry,) = (json.loads(one) for one in of(instructions, "ENTRYPOINT"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, *entry[1:], "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0 and "--port" in ran.stdout, ran.stderr
