"""Sidecars as photo programs lay them out, written for these tests, and random ones."""

import random
from xml.sax.saxutils import escape, quoteattr

DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   digiKam:ColorLabel="0"
   digiKam:PickLabel="0"
   xmp:Rating="4">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>People/Anna</rdf:li>
     <rdf:li>Garden</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Anna</rdf:li>
     <rdf:li>Garden</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>People|Anna</rdf:li>
     <rdf:li>Garden</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
"""Short properties are attributes, tags are bags and a sequence of its own; ``IMG.jpg.xmp``."""

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   xmp:Rating="1"
   darktable:xmp_version="5"
   darktable:history_end="1">
   <dc:subject>
    <rdf:Seq>
     <rdf:li>anna</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Seq>
     <rdf:li>people|anna</rdf:li>
    </rdf:Seq>
   </lr:hierarchicalSubject>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="0000803f&gt;"/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
"""Tags are sequences, edits are items with attributes; ``IMG.jpg.xmp``."""

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   photoshop:DateCreated="2024-05-01T10:00:00"
   crs:Version="15.0"/>
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Holiday &amp; rain</rdf:li></rdf:Alt></dc:title>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Mount Fuji</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
  <rdf:Description rdf:about=""
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/">
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Places|Japan|Mount Fuji</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
"""One description a namespace, without a packet; ``IMG.xmp``."""

IMMICH = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Image::ExifTool 13.00'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>

 <rdf:Description rdf:about=''
  xmlns:dc='http://purl.org/dc/elements/1.1/'>
  <dc:description>
   <rdf:Alt>
    <rdf:li xml:lang='x-default'>at grandma&#39;s</rdf:li>
   </rdf:Alt>
  </dc:description>
 </rdf:Description>

 <rdf:Description rdf:about=''
  xmlns:digiKam='http://www.digikam.org/ns/1.0/'>
  <digiKam:TagsList>
   <rdf:Seq>
    <rdf:li>Family/Grandma</rdf:li>
   </rdf:Seq>
  </digiKam:TagsList>
 </rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end='w'?>"""
"""As exiftool writes for it: single quotes, elements only, no dc:subject; ``IMG.jpg.xmp``."""

LAYOUTS = {"digikam": DIGIKAM, "darktable": DARKTABLE, "lightroom": LIGHTROOM, "immich": IMMICH}

WORDS = ("dog", "Dog", "cat", "häuser", "犬", "a & b", "x<y", '"quoted"', "it's", "two words", "snow|ice", "tree")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


class RandomSidecar:
    """A sidecar of random shape.

    Attributes:
        content: bytes of the file.
        names: its tags.
        paths: its tags with their parents.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._rdf = self._pick("rdf", "rdf", "rdf", "r", "RDF")
        self._quote = self._pick(*"\"'")
        self._end = self._pick("\n", "\n", "\r\n", "\n\n\t", "")
        self.names, self.paths = self._tags(), self._tags()
        encoding = self._pick("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")
        head = self._pick("", "", '<?xml version="1.0"?>\n') if encoding != "utf-16" else ""
        text = head + self._around(self._descriptions())
        self.content = text.encode(encoding)

    def _pick(self, *choices):
        return self._random.choice(choices)

    def _tags(self):
        return None if self._random.random() < 0.3 else self._random.sample(WORDS, self._random.randrange(5))

    def _attribute(self, name, value):
        value = quoteattr(value)[1:-1].replace("'", "&apos;").replace('"', "&quot;")
        return f" {name}{self._pick('=', '=', ' = ')}{self._quote}{value}{self._quote}"

    def _around(self, inner):
        rdf, more = self._rdf, self._pick("", "<!-- rdf:RDF </rdf:RDF> -->", "<?note li?>")
        head, space = self._attribute(f"xmlns:{rdf}", RDF), self._pick("", " ")
        body = f"<{rdf}:RDF{head}>{self._end}{inner}{more}</{rdf}:RDF{space}>"
        if self._random.random() < 0.7:
            body = f"<x:xmpmeta{self._attribute('xmlns:x', 'adobe:ns:meta/')}>{body}</x:xmpmeta>"
        if self._random.random() < 0.5:
            return f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}{" " * 40}<?xpacket end="w"?>'
        return body + self._pick("", "\n", "\r\n\r\n")

    def _descriptions(self):
        properties = [("http://purl.org/dc/elements/1.1/", "subject", self.names)]
        properties += [("http://ns.adobe.com/lightroom/1.0/", "hierarchicalSubject", self.paths)]
        properties += [("http://example.com/n/", f"p{i}", self._random.sample(WORDS, 3)) for i in range(3)]
        self._random.shuffle(properties)
        parts, left = [], [one for one in properties if one[2] is not None]
        while left:
            taken = self._random.randrange(1, len(left) + 1)
            parts.append(self._description(left[:taken]))
            left = left[taken:]
        return self._end.join(parts)

    def _description(self, properties):
        head = self._attribute(f"{self._rdf}:about", self._pick("", "", "uuid:1>2"))
        head += self._attribute("xmlns:q", "http://example.com/q/")
        head += self._attribute("q:rating", self._pick("3", ">", "<'"))
        inner = ""
        for index, (namespace, name, values) in enumerate(properties):
            head += self._attribute(f"xmlns:n{index}", namespace)
            inner += self._end + self._property(f"n{index}:{name}", values)
        return f"<{self._rdf}:Description{self._end or ' '}{head}>{inner}{self._end}</{self._rdf}:Description>"

    def _property(self, name, values):
        rdf, space = self._rdf, self._pick("", " ", self._end)
        container = f"{rdf}:{self._pick('Bag', 'Bag', 'Seq', 'Alt')}"
        if not values and self._random.random() < 0.6:
            return f"<{name}>{space}<{container}{self._pick('', ' ')}/>{space}</{name}>"
        items = "".join(f"{space}<{rdf}:li>{self._text(value)}</{rdf}:li>" for value in values)
        note = self._pick("", "", f"<!-- <{rdf}:li>no tag</{rdf}:li> -->")
        return f"<{name}>{space}<{container}>{items}{note}{space}</{container}></{name}>"

    def _text(self, value):
        return f"<![CDATA[{value}]]>" if self._random.random() < 0.1 else escape(value)
