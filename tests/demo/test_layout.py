"""Layout of the page's code: HTML and JavaScript in files of their own, gradio in few modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

DEMO = ROOT / "demo"
MODULES = sorted([*DEMO.rglob("*.py"), ROOT / "app.py"])
TEMPLATES = sorted((DEMO / "views" / "templates").glob("*.html.j2"))
TAG = re.compile(r"</?[A-Za-z!][^>]*>")
SCRIPT = re.compile(r"=>|addEventListener|querySelector|\bdocument\.|\bwindow\.|\bfunction\s*\(")
WITH_GRADIO = {"demo/page.py", "demo/api.py"}
CORE_MAY_IMPORT = ("demo.core", "demo.server.limits", "ram")
MEANT_AS_HTML = {"wide", "narrow"}
"""Values that templates print without escaping: plots, which matplotlib has escaped."""


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def imports(path: Path) -> set[str]:
    """Every module that a module imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_html_and_no_javascript_in_python_strings(path):
    found = [(line, text) for line, text in strings(path) if TAG.search(text) or SCRIPT.search(text)]
    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_sections_page_and_api_import_gradio(path):
    at_run_time = {module.partition(".")[0] for module in imports(path)} - type_checking_imports(path)
    if "gradio" in at_run_time:
        assert name(path) in WITH_GRADIO or path.parent.name == "sections"


def type_checking_imports(path: Path) -> set[str]:
    """Top-level packages that a module imports for type annotations only."""
    return {
        node.module.partition(".")[0]
        for block in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
    }


@pytest.mark.parametrize("path", sorted((DEMO / "core").glob("*.py")), ids=name)
def test_core_imports_neither_views_nor_sections(path):
    own = {module for module in imports(path) if module.partition(".")[0] in ("demo", "ram")}
    assert [module for module in own if not module.startswith(CORE_MAY_IMPORT)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_templates_print_only_plots_without_escaping(path):
    text = path.read_text(encoding="utf-8")
    unescaped = set(re.findall(r"\{\{-?\s*(\w+)\s*\|\s*safe", text))
    assert unescaped <= MEANT_AS_HTML
    assert "autoescape" not in text and not re.search(r"<script(?! src=\"/library/)", text)


def test_every_script_of_the_page_is_used():
    used = " ".join(text for path in MODULES for _, text in strings(path)).split()
    scripts = {path.stem for path in (DEMO / "views" / "static").glob("*.js")}
    assert scripts and scripts <= set(used)
