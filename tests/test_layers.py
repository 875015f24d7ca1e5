"""Imports point downwards only, as the layers of docs/architecture.md say."""

import ast
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.paths import ROOT

LAYERS = (
    ("ram.errors", "ram.runtime", "ram.proxies", "ram.listening", "ram.prediction", "ram.models.config",
     "ram.models.captioner_config"),
    ("ram.describers", "ram.text", "ram.labels"),
    ("ram.models", "ram.images"),
    ("ram.checkpoints", "ram.text.bank", "ram.text.tag_packs"),
    (
        *("ram.tagger_loading", "ram.tagger", "ram.tagger_parts", "ram.captioning_methods", "ram.caption_writing"),
        "ram.caption_reranking",
        *("ram.looking_methods", "ram.scoring_methods", "ram.bank_methods", "ram.named_tags"),
        *("ram.backends", "ram.strength", "ram.hub", "ram.regions"),
    ),
    (
        *("ram.cli", "ram.training", "ram.evaluation", "ram.library", "ram.export", "ram.figures", "ram.compat"),
        *("ram.neighbours", "ram.cluster"),
    ),
    ("demo.core", "demo.views", "demo.server"),
    ("demo.sections",),
    ("demo.page", "demo.api"),
    ("demo.launch", "demo.flags", "demo.__main__"),
)
"""From the bottom up; the longest matching name decides the layer of a module."""

MIRRORS = (
    {"demo", "demo.core", "demo.sections", "demo.views"},
    {"ram.models", "ram.models.lite"},
    {"ram.describers.chat", "ram.describers.lexicon", "ram.describers.local"},
)
"""Packages in which modules of one name are about one thing."""

WITHOUT_TORCH = ("ram", "ram.describers", "ram.text", "ram.labels")
NETWORK = (
    "ram", "image_encoder", "reweighting", "decoder", "heads", "tag2text", "description_embeddings", "losses",
    "captioner", "caption_text", "caption_generation", "text_layers",
)  # fmt: skip
"""Modules of ram.models that the official variants consist of."""


def modules():
    """Name and file of every module of both packages."""
    for package in ("ram", "demo"):
        for file in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), file


def imports(file, everywhere=True):
    """Names of imported modules, but not those for type checkers; ``everywhere`` also inside functions."""

    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    return set(visit(ast.parse(file.read_text(encoding="utf-8"))))


def is_below(name, package):
    return name == package or name.startswith(f"{package}.")


def layer_of(name):
    """Index of the layer of a module, None for what has no layer."""
    found = [(len(prefix), at) for at, prefixes in enumerate(LAYERS) for prefix in prefixes if is_below(name, prefix)]
    return max(found)[1] if found else None


def test_every_module_has_a_layer():
    packages = {"ram", "demo"}  # only names and docstrings
    assert [name for name, _ in modules() if layer_of(name) is None and name not in packages] == []


def test_modules_of_one_name_mirror_each_other():
    packages = defaultdict(set)
    for module, file in modules():
        package, _, name = module.rpartition(".")
        if file.name not in ("__init__.py", "__main__.py"):
            packages[name].add(package)
    shared = {name: found for name, found in packages.items() if len(found) > 1}
    assert shared and not {name for name, found in shared.items() if not any(found <= mirror for mirror in MIRRORS)}


def test_imports_point_downwards_only():
    upwards = [
        f"{name} imports {imported}"
        for name, file in modules()
        if layer_of(name) is not None
        for imported in sorted(imports(file))
        if (layer_of(imported) or 0) > layer_of(name)
    ]
    assert upwards == []


def test_the_lowest_layer_imports_little():
    allowed = {*sys.stdlib_module_names, "numpy", "pydantic", "__future__"}
    for name, file in modules():
        if layer_of(name) == 0:
            other = {imported for imported in imports(file, everywhere=False) if layer_of(imported) != 0}
            assert {imported.partition(".")[0] for imported in other} <= allowed, name


def test_the_network_imports_neither_lite_nor_fast():
    for part in NETWORK:
        imported = imports(ROOT / "ram" / "models" / f"{part}.py")
        assert not [name for name in imported if is_below(name, "ram.models.lite") or is_below(name, "ram.models.fast")]


@pytest.mark.parametrize("package", WITHOUT_TORCH)
def test_texts_and_describers_import_no_torch(package):
    above = [prefix for prefixes in LAYERS[2:] for prefix in prefixes]
    names = [
        name
        for name, _ in modules()
        if is_below(name, package) and (package != "ram" or name == "ram")
        if not any(is_below(name, prefix) for prefix in above)
    ]
    program = f"import sys, importlib\nfor x in {names}: importlib.import_module(x)\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
