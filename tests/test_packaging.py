"""What a newcomer gets: licences, pins, clean files, a whole package, and clear words from make."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from PIL import Image

from tests.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = ROOT / "assets" / "examples"
PHOTOS = sorted(EXAMPLES.glob("*.jpg"))
VERSIONS = ("2.0", "3.0", "4.0")
FREE_LICENCES = ("public domain", "CC0 1.0", *(f"CC BY{alike} {v}" for alike in ("", "-SA") for v in VERSIONS))
# sha-256 of LICENSE-2.0.txt as the Apache Software Foundation publishes it
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"

PACKAGES = ("ram", "demo")
"""Packages that the wheel contains."""
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|Users|root|work|tmp|mnt|srv)/\w")
REGISTRY_HOST = re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian|download\.pytorch|anaconda)\.(?:org|com)\b")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    """Name to pinned version, as far as they hold for this Python."""
    return pinned("requirements-host.txt")


def pinned(file: str) -> dict[str, Version]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in wanted
        if pin.marker is None or pin.marker.evaluate()
    }


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """Every file that is, or would be, committed, relative to the repository."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_every_example_photo_names_its_author_and_a_free_licence():
    table = (EXAMPLES / "SOURCES.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+\.jpg)` \|(.*)\|$", table, re.MULTILINE)
    assert sorted(name for name, _ in rows) == [photo.name for photo in PHOTOS]
    for name, row in rows:
        picture, author, licence, found_in, original = (cell.strip() for cell in row.split("|"))
        assert picture and author and found_in and original, name
        assert licence.removeprefix("[").startswith(FREE_LICENCES), f"{name}: {licence}"


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_an_example_photo_is_small_and_carries_no_metadata(photo: Path):
    assert photo.stat().st_size < 120_000
    with Image.open(photo) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        assert max(picture.size) <= 640
        assert not picture.getexif()


def test_there_are_example_photos_to_choose_from():
    assert len(PHOTOS) == 16


def test_the_licence_is_apache_2(project: dict):
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest() == APACHE_2
    assert project["license"] == "Apache-2.0"


def test_what_is_installed_is_what_is_pinned(pins: dict[str, Version]):
    installed = {name: Version(importlib.metadata.version(name)).base_version for name in pins}
    assert installed == {name: str(version) for name, version in pins.items()}


def test_the_pins_are_what_the_package_and_the_page_ask_for(project: dict, pins: dict[str, Version]):
    asked = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["demo"]]
    assert {canonicalize_name(need.name) for need in asked} == set(pins)
    for need in asked:
        assert pins[canonicalize_name(need.name)] in need.specifier, need


def test_a_space_has_the_same_pins_except_for_torch(project: dict, pins: dict[str, Version]):
    space = pinned("requirements.txt")
    torches = {"torch", "torchvision"}
    assert {n: v for n, v in space.items() if n not in torches} == {n: v for n, v in pins.items() if n not in torches}
    assert Version("2.8") <= space["torch"] < Version("2.12")
    for need in map(Requirement, project["dependencies"]):
        if need.name in torches:
            assert space[need.name] in need.specifier


def test_the_files_name_no_machine_and_no_registry(files: list[Path]):
    found = []
    for name in files:
        content = (ROOT / name).read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
            if MACHINE_PATH.search(line) or REGISTRY_HOST.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_a_built_package_carries_every_file_it_reads(files: list[Path], tmp_path: Path):
    source = tmp_path / "source"
    for name in files:
        if name.parts[0] in PACKAGES or len(name.parts) == 1:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    (source / "README.md").touch()
    pip_wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path]
    subprocess.run([*pip_wheel, source], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ram-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith(tuple(f"{one}/" for one in PACKAGES))}
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "ram = ram.cli:main" in archive.read(entry_points).decode()
    assert packed == {name.as_posix() for name in files if name.parts[0] in PACKAGES}
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    start = [sys.executable, "-m", "demo", "--port", "http"]
    started = subprocess.run(start, cwd=tmp_path / "installed", capture_output=True, text=True)
    assert started.returncode == 2 and "'http' is not a port" in started.stderr
    rendered = "from demo.views.page import notice; print(notice(['1 < 2']))"
    shown = subprocess.run([sys.executable, "-c", rendered], cwd=tmp_path / "installed", capture_output=True, text=True)
    assert "1 &lt; 2" in shown.stdout, shown.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_says_which_python_is_missing_or_too_old(tmp_path: Path):
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.18" || exit 1\n')
    old.chmod(0o755)
    assert _make_demo(tmp_path, "no-such-python").startswith("no-such-python was not found")
    assert f"{old} is Python 3.9.18, but 3.10 or newer is needed" in _make_demo(tmp_path, str(old))
    assert not (tmp_path / "venv").exists()


def _make_demo(folder: Path, python: str) -> str:
    """What ``make demo`` with this interpreter says as it fails."""
    command = ["make", "--no-print-directory", "demo", f"PYTHON={python}", f"VENV={folder / 'venv'}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    return run.stderr


def test_the_limits_in_the_hosting_notes_are_enforced():
    from demo.core.feature_cache import MAX_BYTES
    from demo.page import MAX_UPLOAD, launch_options
    from ram.images import archives
    from ram.images.size_limits import UPLOADS
    from ram.text import tag_packs as packs

    told = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    mega = 10**6
    assert f"| a file of any kind, such as a zip of photos | {MAX_UPLOAD // mega} MB |" in told
    assert launch_options()["max_file_size"] == MAX_UPLOAD
    assert f"allow bodies of {MAX_UPLOAD // mega} MB or more" in told
    assert f"| {UPLOADS.file // mega} MB, {UPLOADS.pixels // mega} megapixels |" in told
    assert f"| {archives.MOST_UNPACKED // 10**9} GB, {archives.MOST_PICTURES} photos |" in told
    assert f"| a tag pack | {packs.UPLOADS.file >> 20} MB |" in told
    assert f"take {MAX_BYTES // mega} MB of memory" in told
