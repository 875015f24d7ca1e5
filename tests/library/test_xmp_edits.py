"""Tags are added to any XMP and taken out again; nothing of others is lost, and what is not XMP is refused."""

import random
import xml.etree.ElementTree as ElementTree

import pytest

from ram.errors import InputError
from ram.library import xmp
from ram.library.xmp import DC, HIERARCHICAL, LIGHTROOM, SUBJECT, XmpDocument
from ram.library.xmp_edits import EMPTY, Tags, add_tags, added_by_us, remove_tags
from tests.library.layouts import IMMICH, LAYOUTS, WORDS, RandomSidecar

TAGS = Tags("tiny", ("dog", "Garden", "a < b"), ("object|dog", "a < b"))


def parse(content):
    return XmpDocument.parse(content.encode() if isinstance(content, str) else content, "IMG.xmp")


def listed(content, namespace, name):
    """Items of a property by another parser than ours."""
    root = ElementTree.fromstring(content)
    rdf = root if root.tag == f"{{{xmp.RDF}}}RDF" else root.find(f"{{{xmp.RDF}}}RDF")
    found = rdf.findall(f"{{{xmp.RDF}}}Description/{{{namespace}}}{name}/*/{{{xmp.RDF}}}li")
    return [item.text or "" for item in found]


def names(content):
    return listed(content, DC, "subject")


def paths(content):
    return listed(content, LIGHTROOM, "hierarchicalSubject")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_tags_join_those_of_every_program(layout):
    before = layout.encode()
    after = add_tags(parse(before), TAGS, "IMG.xmp")
    added = tuple(tag for tag in TAGS.names if tag not in names(before))
    assert names(after) == [*names(before), *added] and paths(after) == [*paths(before), *TAGS.paths]
    assert parse(before).values(SUBJECT) == names(before) and parse(after).values(HIERARCHICAL) == paths(after)
    assert added_by_us(parse(after)) == Tags("tiny", added, TAGS.paths, made=added_by_us(parse(after)).made)
    assert remove_tags(parse(after), "IMG.xmp") == before


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_line_of_a_program_stays(layout):
    after = add_tags(parse(layout), TAGS, "IMG.xmp").decode()
    position = 0
    for line in layout.splitlines():
        position = after.index(line.strip(), position)


def test_tagging_again_replaces_what_was_ours_alone():
    once = add_tags(parse(LAYOUTS["digikam"]), TAGS, "IMG.xmp")
    other = Tags("other", ("cat",), ("cat",))
    again = add_tags(parse(once), other, "IMG.xmp")
    assert again == add_tags(parse(LAYOUTS["digikam"]), other, "IMG.xmp")
    assert add_tags(parse(once), TAGS, "IMG.xmp") == once
    assert names(again) == ["Anna", "Garden", "cat"]


def test_no_foreign_tag_is_lost_in_1000_random_sidecars():
    for seed in range(1000):
        sidecar, draw = RandomSidecar(seed), random.Random(seed)
        tags = Tags("tiny", *(tuple(draw.sample(WORDS, draw.randrange(6))) for _ in range(2)))
        before = sidecar.content
        assert names(before) == (sidecar.names or []), seed
        after = add_tags(parse(before), tags, "IMG.xmp")
        for read, foreign, wanted in ((names, sidecar.names, tags.names), (paths, sidecar.paths, tags.paths)):
            found, foreign = read(after), foreign or []
            assert found[: len(foreign)] == foreign or sorted(found) == sorted([*foreign, *found[len(foreign) :]]), seed
            assert {tag.casefold() for tag in found} == {tag.casefold() for tag in (*foreign, *wanted)}, seed
        assert remove_tags(parse(after), "IMG.xmp") == before, seed
        other = add_tags(parse(after), Tags("other", ("zebra",)), "IMG.xmp")
        assert remove_tags(parse(other), "IMG.xmp") == before, seed


def test_tags_that_another_program_added_since_stay():
    after = add_tags(parse(IMMICH), TAGS, "IMG.xmp").decode()
    changed = after.replace("<rdf:li>dog</rdf:li>", "<rdf:li>dog</rdf:li><rdf:li>Rex</rdf:li>", 1)
    left = remove_tags(parse(changed), "IMG.xmp")
    assert names(left) == ["Rex"] and added_by_us(parse(left)) is None


def test_marks_that_another_program_merged_are_found():
    after = add_tags(parse(IMMICH), TAGS, "IMG.xmp").decode()
    start = after.index("<rdf:Description rdf:about=\"\" xmlns:rdf")
    own = after[after.index(">", start) + 1 : after.rindex("</rdf:Description>")]
    declared = f" xmlns:dc='{DC}' xmlns:lr='{LIGHTROOM}' xmlns:ram='{xmp.OURS}'"
    merged = IMMICH.replace("</digiKam:TagsList>", "</digiKam:TagsList>" + own).replace(
        "xmlns:digiKam", f"{declared} xmlns:digiKam"
    )
    left = remove_tags(parse(merged), "IMG.xmp").decode()
    assert names(left) == [] == paths(left) and "<ram:" not in left
    assert "Family/Grandma" in left


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is no XMP, it is not XML"),
        (b"\xff\xd8\xff\xe0 a photo", "is no XMP, it is not XML"),
        (EMPTY[:-40], "is no XMP, it is not XML"),
        (b"<html><body/></html>", "is XML but no XMP"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "has a document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "has a document type"),
        (b'<?xml version="1.0" encoding="cp437"?><a/>', "is in the encoding cp437"),
        (b"\xff\xfe<\x00a\x00/", "not in the encoding"),
        (b"<a>" * 100_000, "is no XMP, it is not XML"),
    ],
)
def test_what_is_no_xmp_is_refused_in_one_sentence(content, said):
    with pytest.raises(InputError, match=said) as refused:
        parse(content)
    assert "\n" not in str(refused.value)


def test_a_document_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(xmp, "LIMIT", len(EMPTY) - 1)
    with pytest.raises(InputError, match="too much for tags"):
        parse(EMPTY)


@pytest.mark.parametrize(
    "inner",
    [
        '<rdf:Description rdf:about="" dc:subject="dog"/>',
        '<rdf:Description rdf:about=""><dc:subject>dog</dc:subject></rdf:Description>',
        '<rdf:Description rdf:about=""><dc:subject><rdf:Bag/></dc:subject><dc:subject><rdf:Bag/></dc:subject>'
        "</rdf:Description>",
    ],
    ids=["attribute", "text", "twice"],
)
def test_a_property_that_is_no_list_is_read_but_never_changed(inner):
    document = parse(f'<rdf:RDF xmlns:rdf="{xmp.RDF}" xmlns:dc="{DC}">{inner}</rdf:RDF>')
    assert document.values(SUBJECT) == (["dog"] if "dog" in inner else [])
    with pytest.raises(InputError, match="dc:subject of IMG.xmp is not one list of tags"):
        add_tags(document, Tags("tiny", ("cat",)), "IMG.xmp")


def test_tags_within_structures_are_not_those_of_the_photo():
    inner = "<dc:subject><rdf:Bag><rdf:li>x</rdf:li></rdf:Bag></dc:subject>"
    inner = f"<dc:region rdf:parseType='Resource'>{inner}</dc:region>"
    content = f'<rdf:RDF xmlns:rdf="{xmp.RDF}" xmlns:dc="{DC}"><rdf:Description>{inner}</rdf:Description></rdf:RDF>'
    assert parse(content).values(SUBJECT) == []
    after = add_tags(parse(content), TAGS, "IMG.xmp")
    assert names(after) == list(TAGS.names) and inner.encode() in after


def test_control_characters_of_a_tag_are_not_written():
    after = add_tags(parse(EMPTY), Tags("tiny", ("a\x00b",)), "IMG.xmp")
    assert names(after) == ["a?b"] and remove_tags(parse(after), "IMG.xmp") == EMPTY


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_other_encodings_stay(encoding):
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    before = (declared + LAYOUTS["lightroom"].replace("Fuji", "Füji")).encode(encoding)
    after = add_tags(parse(before), Tags("tiny", ("犬",)), "IMG.xmp")
    assert names(after) == ["Mount Füji", "犬"] and remove_tags(parse(after), "IMG.xmp") == before
