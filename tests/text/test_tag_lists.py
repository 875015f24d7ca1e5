"""Lists of tags are read whole; invalid lines are all reported with their numbers."""

import pytest

from ram.errors import InputError
from ram.text.tag_lists import read_tag_list, read_vocabulary

SELECTED = """tag_id,name,category,count
9999999,general,9,807858
470575,1girl,0,4225150
212816,traffic_light,0,3515897
13197,cat_(animal),4,100
10959,>_<,0,90
"""


@pytest.fixture
def tag_list(tmp_path):
    def write(content):
        (tmp_path / "tags.txt").write_bytes(content)
        return tmp_path / "tags.txt"

    return write


def test_tags_are_read_without_empty_lines_and_repeats(tag_list):
    content = b"\xef\xbb\xbfcorgi\r\n\r\nMeteor  shower\r\nCorgi\r\n"
    assert read_tag_list(tag_list(content)) == ("corgi", "Meteor shower")


def test_all_invalid_lines_are_reported_with_numbers(tag_list):
    with pytest.raises(InputError) as caught:
        read_tag_list(tag_list(b"corgi\n>_<\n\nkite\na<b\n"))
    assert 'tags.txt: 2 invalid lines: line 2: ">_<" has no letter' in str(caught.value)
    assert 'line 5: "a<b" cannot have the character <' in str(caught.value)


def test_invalid_lines_can_be_left_out(tag_list):
    messages = []
    assert read_tag_list(tag_list(b"corgi\n>_<\nkite\n"), messages.append) == ("corgi", "kite")
    (message,) = messages
    assert message.startswith("tags.txt: line 2:")


def test_a_long_report_is_cut(tag_list):
    with pytest.raises(InputError, match="tags.txt: 300 invalid lines: .*; and 280 more$"):
        read_tag_list(tag_list(b"corgi\n" + b"?\n" * 300))


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_list_without_tags_is_an_error(tag_list, content):
    with pytest.raises(InputError, match="contains no tag: write one per line"):
        read_tag_list(tag_list(content))


def test_utf_16_is_read_and_other_encodings_are_named(tag_list):
    assert read_tag_list(tag_list("corgi\ncafé\n".encode("utf-16"))) == ("corgi", "café")
    with pytest.raises(InputError, match=r"tags.txt is not UTF-8 text: line 2 .* Windows-1252; save the file as UTF-8"):
        read_tag_list(tag_list("corgi\ncafé\n".encode("cp1252")))


def test_selected_tags_of_a_wd_tagger_are_read(tmp_path):
    (tmp_path / "selected_tags.csv").write_text(SELECTED, encoding="utf-8")
    messages = []
    vocabulary = read_vocabulary(tmp_path / "selected_tags.csv", messages.append)
    assert vocabulary.tags == ("1girl", "traffic light", "cat (animal)")
    assert vocabulary.thresholds == (0.5, 0.5, 0.5)
    assert "line 6" in messages[0] and len(messages) == 1
    with pytest.raises(InputError, match="selected_tags.csv: line 6: "):
        read_vocabulary(tmp_path / "selected_tags.csv")


def test_our_own_table_is_read(tmp_path):
    (tmp_path / "vocabulary.csv").write_text("tag,threshold\ndog,0.4\n", encoding="utf-8")
    assert read_vocabulary(tmp_path / "vocabulary.csv").thresholds == (0.4,)
