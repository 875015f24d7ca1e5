"""Describers, labels and texts are imported without torch, so that describing tags starts at once."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

HEAVY = ("torch", "timm", "transformers", "openai", "spacy")


@pytest.mark.parametrize("package", ["describers", "labels", "text"])
def test_no_module_loads_a_heavy_package(package):
    files = (ROOT / "ram" / package).rglob("*.py")
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    names = [name.removesuffix(".__init__") for name in names if name != "ram.text.bank"]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names}]; "
    code += f"print(set({HEAVY}) & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(names) > 5 and run.stdout.strip() == "set()"
