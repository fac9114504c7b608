"""Names that a page, a picture or a terminal must not take as they are, and files that have them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from bpf_object import BpfObject
from btf_writer import ENUM, FUNC, INT, PTR, STRUCT, TYPEDEF, BtfWriter

NAMES: tuple[str | bytes, ...] = (
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    "a\"b'c&amp;d`e",
    '" onmouseover="alert(1)" x=\'',
    "bell\x07\x1b[31mred\r\nline\ttab",
    "\u202eright-to-left override\u2066isolate",
    "\u05e9\u05dc\u05d5\u05dd\u0627\u0644\u0633",
    "$\\mathdefault{x}_y^z$ %s {0} \\n",
    "]]>--><!--<![CDATA[",
    "nul-like\x01\x7f\x80",
    "\N{ZERO WIDTH JOINER}\N{COMBINING ACUTE ACCENT}\N{PILE OF POO}",
    b"not UTF-8 \xff\xfe",
    "x" * 10_000,
)


def hostile_btf(order: str = "<", *, shift: int = 0) -> bytes:
    """A BTF in which everything has such a name: a struct of each, with members and bitfields of each.

    Args:
        order: The byte order.
        shift: Bytes by which members are moved, so that another file differs.
    """
    writer = BtfWriter(order)
    word = writer.add_int("int", 4)
    for number, name in enumerate(NAMES):
        members: list[tuple[str | bytes, int, int]] = [(name, word, 8 * shift), (name, word, 8 * shift + 64)]
        struct = _struct(writer, name, 16 + shift, members)
        writer.add(TYPEDEF, name, size_or_type=struct)
        writer.add(PTR, size_or_type=struct)
        writer.add(ENUM, name, size_or_type=4, vlen=1, extra=(writer.string(name), number + shift))
        proto = writer.add_proto(word, [("", struct + 2)])
        writer.add(FUNC, name, size_or_type=proto, vlen=1)
        writer.add(INT, name, size_or_type=4, extra=(1 << 24 | 32,))
    everything = [(name, word, 32 * number) for number, name in enumerate(NAMES)]
    _struct(writer, "everything", 4 * len(NAMES), everything)
    bits = [(name, word, 3 * number, 3) for number, name in enumerate(NAMES[:10])]
    flat: list[int] = []
    for name, type_id, bit, size in bits:
        flat += (writer.string(name), type_id, size << 24 | bit)
    writer.add(STRUCT, "bits", size_or_type=4, vlen=len(bits), kind_flag=True, extra=tuple(flat))
    return writer.build()


def _struct(
    writer: BtfWriter, name: str | bytes, size: int, members: list[tuple[str | bytes, int, int]]
) -> int:
    flat = [value for member, type_id, bit in members for value in (writer.string(member), type_id, bit)]
    return writer.add(STRUCT, name, size_or_type=size, vlen=len(members), extra=tuple(flat))


def hostile_object(folder: Path) -> Path:
    """A BPF object with such a name, whose relocations ask for types and members of such names."""
    writer = BtfWriter()
    word = writer.add_int("int", 4)
    objects = BpfObject(writer)
    for number, name in enumerate(NAMES):
        struct = _struct(writer, name, 8, [(name, word, 0), ("gone", word, 32)])
        objects.add_immediate(0, struct, f"0:{number % 2}", 4 * (number % 2))
    path = folder / "a\"b'c&amp;<b>\u202e.bpf.o"
    path.write_bytes(objects.build())
    return path


class Checked(HTMLParser):
    """Reads a page and collects what it consists of."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.attributes.update(name for name, _ in attrs)
        self.texts += [value for _, value in attrs if value]
        if tag not in ("meta", "input", "rect", "path", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "input", "rect", "path", "br"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "ul", "li", "div", "span"),
    *("details", "summary"),
    *("label", "input", "table", "caption", "thead", "tbody", "tr", "th", "td", "script", "bdi"),
    *("svg", "defs", "pattern", "path", "rect", "g", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "id", "class", "role", "tabindex", "hidden", "for"),
    "open",
    *("aria-label", "aria-hidden", "type", "autocomplete", "spellcheck", "scope", "style", "title"),
    *("data-m", "x", "y", "width", "height", "viewbox", "d", "text-anchor", "patternunits"),
}
LONGEST = 2100
"""The longest text of a page: a list of places, names within it being cut."""


def check_html(page: str) -> Checked:
    """Assert that a page has only elements and attributes that btfmmap writes, and printable texts."""
    checked = Checked(page)
    assert not checked.open
    assert checked.elements.keys() <= ELEMENTS, checked.elements.keys() - ELEMENTS
    assert checked.attributes <= ATTRIBUTES, checked.attributes - ATTRIBUTES
    for text in checked.texts:
        assert len(text) <= LONGEST
        assert text.replace("\n", " ").replace("\t", " ").isprintable(), repr(text[:200])
    assert page.encode("utf-8")
    return checked
