"""Read rendered HTML: its elements and its visible text."""

import re
from html.parser import HTMLParser

HOSTILE = "<img src=x onerror=alert(1)>\"'&"


class Outline(HTMLParser):
    """The elements and the visible text of a fragment."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(re.sub(r"</?x-t[^>]*>", "", html))  # elements around translated texts

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if words := data.split():
            self.text.append(" ".join(words))

    def rows(self):
        return [attributes["data-tag"] for _, attributes in self.elements if "data-tag" in attributes]
