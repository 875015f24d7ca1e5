"""The foot of the page in a real browser, and the view of the page as code that runs."""

import json
import re
import subprocess
import sys

import pytest

from tests.page.visits import EXAMPLES, ask, choose, plot_texts
from tests.server import ROOT

RUN_SECONDS = 120


def as_code(page):
    page.get_by_role("button", name="This view as code").click()
    page.locator("#share-code code").first.wait_for()


def code_in(page, language):
    page.locator("#share-code").get_by_role("button", name=language, exact=True).click()
    return page.locator("#share-code pre:visible code").inner_text()


def test_the_papers_are_linked_with_their_authors(page):
    about = page.get_by_role("region", name="About this page")
    links = about.locator(".papers a").evaluate_all("links => links.map(one => one.href)")
    assert links == [f"https://arxiv.org/abs/{number}" for number in ("2310.15200", "2306.03514", "2303.05657")]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    for entry in about.locator(".papers li").all():
        number = re.search(r"arXiv (\S+),", entry.inner_text())[1]
        reference = next(part for part in cited.split("- type: article") if number in part)
        family = re.findall(r"family-names: (\S+?), given-names: ([\w -]+)", reference)
        assert ", ".join(f"{given} {name}" for name, given in family) in entry.inner_text()
    assert about.get_by_role("link", name="Source code").count() == 0  # no address was given


def test_the_link_to_it_keeps_the_page_and_its_photo(page):
    choose(page, "bee.jpg")
    before = page.url
    page.get_by_role("link", name="What it was trained on").click()
    page.wait_for_function("document.getElementById('about').getBoundingClientRect().top < innerHeight")
    assert page.url == before and page.locator("#tags [data-tag='bee']").count()


def test_the_models_have_their_cards(page):
    page.locator(".model-card summary").first.click()
    card = page.locator(".model-card").first
    card.get_by_role("heading", name="Training data").wait_for()
    assert "17,181 photos" in card.inner_text()
    assert card.get_by_role("row").count() > 4
    titles = page.locator(".model-card summary").all_inner_texts()
    assert len(titles) == 3 and sum("tag2text-lite" in title for title in titles) == 1  # the captioner, too


def test_a_shared_link_has_title_description_and_picture(page, server):
    assert page.title() == "Open-set image tagging that shows its reasons"
    with server.visitor() as visitor:
        head = visitor.get("/?photo=cat.jpg").text.partition("</head>")[0]
        (picture,) = re.findall(r'property="og:image" content="([^"]+)"', head)
        assert picture.startswith(server.address) and visitor.get(picture).headers["content-type"] == "image/png"
    described = re.search(r'property="og:description" content="([^"]+)"', head)[1]
    assert "2,309" in described and re.search(r'name="description" content="([^"]+)"', head)[1] == described
    assert len(re.findall('property="og:title"', head)) == 1 and "Click to try" not in head


def test_the_api_is_one_click_away(page):
    page.get_by_role("button", name=re.compile("Use via API")).click()
    page.locator(".api-docs").get_by_text("Python", exact=True).first.click()  # the page shows its tools for MCP first
    page.get_by_text("/compare").locator("visible=true").first.wait_for()


def test_the_view_as_code_runs(page, server, tmp_path):
    choose(page, "dogs.jpg")
    ask(page, "corgi, it's")
    plot_texts(page)
    shown = float(page.locator("#cards .chip b").first.inner_text())
    as_code(page)
    environment = {"PATH": f"{sys.exec_prefix}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "no_proxy": "*"}
    options = {"cwd": EXAMPLES, "capture_output": True, "text": True, "timeout": RUN_SECONDS, "check": True}
    python = code_in(page, "Python")
    assert server.address in python
    said = subprocess.run([sys.executable, "-c", python], env=environment, **options).stdout
    assert "'tag': 'corgi'" in said and "'cocker spaniel'" in said
    shell = subprocess.run(["bash", "-c", code_in(page, "curl")], env=environment, **options).stdout
    answers = [json.loads(line[6:]) for line in shell.splitlines() if line.startswith("data: [")]
    assert "dog" in answers[0][0]["tags"]
    probability = answers[1][0]["categories"][0]["models"]["ram-plus-lite"]["probability"]
    assert probability == pytest.approx(shown, abs=0.006)
    command = code_in(page, "Command line").replace("ram tag", f"{sys.executable} -m ram.cli tag", 1)
    environment["PYTHONPATH"] = str(ROOT)
    assert "corgi" in json.dumps(json.loads(subprocess.run(["bash", "-c", command], env=environment, **options).stdout))


def test_the_code_is_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    as_code(page)
    shown = code_in(page, "curl")
    page.get_by_role("button", name="Copy the code in curl").click()
    page.locator("#share-code [role=status]").get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").strip() == shown.strip()
