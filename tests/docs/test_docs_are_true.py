"""README, docs and model cards name only commands, flags, files and Python names that exist."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest

import ram
from ram import cli
from tests.paths import ROOT

PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")]
    + list((ROOT / "docs").rglob("*.md"))
    + list((ROOT / "ram" / "pretrained").glob("*/README.md"))
)
WIDEST = 120
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?:ram|demo|docs|tests|benchmarks|examples|assets|\.github)/[\w./-]+")
LINK = re.compile(r"(?:\]\(|<img src=\")([^)#:\"]+)(?:#[\w-]*)?[)\"]")
ENVIRONMENT = re.compile(r"\b(?:RAM|OPENAI)_[A-Z_]+\b")
OBJECTS = {
    "tagger": ram.Tagger, "prediction": ram.Prediction, "bank": ram.TagEmbeddingBank, "ram": ram
}  # fmt: skip
EXAMPLE_FOLDERS = {"runs", "photos"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of every ``ram`` command, by its name."""
    actions = cli._parser()._actions
    return next(action.choices for action in actions if isinstance(action, argparse._SubParsersAction))


def test_every_page_is_found():
    assert {"README.md", "docs/architecture.md", "ram/pretrained/ram-plus-lite/README.md"} <= set(map(named, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=named)
class TestPage:
    def test_no_line_is_too_long(self, page: Path):
        lines = page.read_text(encoding="utf-8").splitlines()
        long = [number for number, line in enumerate(lines, start=1) if len(line) > WIDEST]
        assert not long, f"{named(page)}: lines {long} have more than {WIDEST} characters"

    def test_every_ram_command_exists_with_its_flags(self, page: Path):
        text = page.read_text(encoding="utf-8")
        blocks = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
        known = commands()
        for line in blocks + INLINE.findall(FENCE.sub("", text)):
            words = shlex.split(line, comments=True) if re.match(r"ram [a-z-]", line) else []
            if len(words) < 2 or words[1].startswith("-"):
                continue
            assert words[1] in known, f"{line!r}: there is no command {words[1]!r}"
            flags = {flag for action in known[words[1]]._actions for flag in action.option_strings}
            unknown = {word.partition("=")[0] for word in words[2:] if re.match(r"--?[a-z]", word)} - flags
            assert not unknown, f"{line!r}: ram {words[1]} has no {sorted(unknown)}"
            if line in blocks:  # a command to copy is complete
                cli._parser().parse_args(words[1:])

    def test_every_make_target_and_module_exists(self, page: Path):
        text = page.read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        asked = {*re.findall(r"`make ([a-z-]+)", text), *re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)}
        assert asked <= targets, f"the Makefile lacks {sorted(asked - targets)}"
        for module in re.findall(r"python -m (benchmarks[\w.]*)", text):
            assert importlib.util.find_spec(module), f"there is no module {module}"

    def test_every_flag_of_the_page_exists(self, page: Path):
        source = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "app.py", *ROOT.glob("demo/**/*.py")])
        for line in INLINE.findall(page.read_text(encoding="utf-8")):
            if line.startswith(("python app.py", "python -m demo")):
                missing = [flag for flag in re.findall(r"--[a-z-]+", line) if f'"{flag}"' not in source]
                assert set(missing) <= {"--help"}, f"{line!r}: app.py has no {missing}"

    def test_every_named_file_and_link_exists(self, page: Path):
        text = page.read_text(encoding="utf-8")
        missing = []
        for span in INLINE.findall(FENCE.sub("", text)):
            if FILE.fullmatch(span) and not re.search(r"NAME|COMMAND", span) and not (ROOT / span).exists():
                missing.append(span)
        missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
        assert not missing, f"{named(page)} names files that are not there: {missing}"

    def test_every_python_name_exists(self, page: Path):
        for span in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"ram\.(?!py$)[\w.]+(\(|$)", span):
                resolve(re.match(r"[\w.]+", span)[0])
            for owner, attribute in re.findall(r"(?<![\w./])(tagger|prediction|bank|ram)\.([a-z]\w*)(?=\(|\.|$)", span):
                if not re.fullmatch(r"[\w./*-]+\.(?:py|csv|json|toml|md|safetensors)", span):
                    assert exists(OBJECTS[owner], attribute), f"{span!r}: {owner} has no {attribute!r}"

    def test_a_name_said_to_be_in_a_file_is_in_it(self, page: Path):
        text = " ".join(page.read_text(encoding="utf-8").split())
        for name, file in re.findall(r"`(\w+)` (?:in|of) `((?:ram|demo|benchmarks)/[\w/]+\.\w+)`", text):
            assert re.search(rf"\b{name}\b", (ROOT / file).read_text(encoding="utf-8")), f"{file} has no {name}"

    def test_every_environment_variable_is_read(self, page: Path):
        source = "".join(
            path.read_text(encoding="utf-8") for folder in ("ram", "demo") for path in (ROOT / folder).rglob("*.py")
        ) + (ROOT / "app.py").read_text(encoding="utf-8")
        for variable in set(ENVIRONMENT.findall(page.read_text(encoding="utf-8"))):
            known = variable in source or f'"{variable.removeprefix("RAM_")}' in source or prefixed(variable, source)
            assert known, f"nothing reads {variable}"


def prefixed(variable: str, source: str) -> bool:
    """Whether the variable is that of a flag: RAM_LLM_VISITOR_REQUESTS of --llm-visitor-requests."""
    return f"--{variable.removeprefix('RAM_').lower().replace('_', '-')}" in source


def exists(owner: object, attribute: str) -> bool:
    if owner is ram:
        return attribute in ram.__all__ or importlib.util.find_spec(f"ram.{attribute}") is not None
    fields = getattr(owner, "__dataclass_fields__", {})
    return hasattr(owner, attribute) or attribute in fields or (owner, attribute) == (ram.Tagger, "bank")


def resolve(name: str) -> object:
    """The object that a full name stands for; fails where there is none."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            assert hasattr(found, part), f"{name}: {'.'.join(parts[:end])} has no {part!r}"
            found = getattr(found, part)
        return found
    raise AssertionError(f"there is no module for {name}")


def test_every_name_of_the_api_reference_exists():
    names = re.findall(r"^::: ([\w.]+)$", "".join(page.read_text(encoding="utf-8") for page in PAGES), re.MULTILINE)
    assert len(names) > 30
    for name in names:
        resolve(name)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text(encoding="utf-8")], ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blocks = [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]
    code = "\n".join(block for block in blocks if "gradio_client" not in block)
    shutil.copy(ROOT / "assets" / "examples" / "dogs.jpg", tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, named(page), "exec"), names)
    if code:
        assert "dog" in names["tagger"].tag("photo.jpg").tags
