"""The hardened XML parser: what it takes, what it refuses and where, and what it repairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import MalformedContent, TooCostly
from hub.fhir.xml import MAX_BYTES, parse, parse_fragment
from tests.fhir.corpus import CORPUS, files, needs_corpus

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://canary.example/"> %p;]><a/>',
        '<!DOCTYPE a SYSTEM "http://canary.example/a.dtd"><a/>',
        "<!-- a note --><?note?>\n<!DOCTYPE a><a/>",
        '<?xml version="1.0"?><!DOCTYPE a><a/>',
    ],
)
def test_a_document_type_declaration_is_refused_before_parsing(bomb: str) -> None:
    with pytest.raises(MalformedContent, match="document type declaration"):
        parse(bomb.encode())


def test_a_document_type_declaration_in_utf_16_is_refused_too() -> None:
    with pytest.raises(MalformedContent, match="document type declaration"):
        parse("<!DOCTYPE a><a/>".encode("utf-16"))


@pytest.mark.parametrize(
    ("encoded", "codec"),
    [
        ('<?xml version="1.0" encoding="windows-1250"?><a>Žluťoučký</a>', "cp1250"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><a>Žluťoučký</a>', "iso-8859-2"),
        ('<?xml version="1.0" encoding="UTF-8"?><a>Žluťoučký</a>', "utf-8-sig"),
        ('<?xml version="1.0" encoding="utf-16"?><a>Žluťoučký</a>', "utf-16"),
        ("<a>Žluťoučký</a>", "utf-8"),
        ("<a>Žluťoučký</a>", "utf-16-le"),
    ],
)
def test_the_encodings_of_our_counterparts_are_read_right(encoded: str, codec: str) -> None:
    assert parse(encoded.encode(codec)).root.text == "Žluťoučký"


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="UTF-7"?><a>+ADw-script+AD4-</a>',
        b'<?xml version="1.0" encoding="ebcdic-cp-us"?><a/>',
        '<?xml version="1.0"?><a/>'.encode("cp500"),
        b'<?xml version="1.0" encoding="utf-8"?><a>\xe9</a>',
        b'<?xml version="1.0" encoding="utf-16"?><a/>',
    ],
)
def test_other_encodings_and_wrong_ones_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedContent):
        parse(data)


def test_depth_is_capped() -> None:
    with pytest.raises(MalformedContent):
        parse(b"<a>" * 3000 + b"</a>" * 3000)
    with pytest.raises(MalformedContent):
        parse(b"<a>" * 257 + b"</a>" * 257)
    assert parse(b"<a>" * 200 + b"</a>" * 200)


def test_size_is_capped() -> None:
    with pytest.raises(TooCostly):
        parse(b"<a>" + b" " * MAX_BYTES + b"</a>")


def test_an_inclusion_and_a_stylesheet_stay_inert() -> None:
    document = parse(
        b'<?xml-stylesheet href="http://canary.example/x.xsl"?><a xmlns:xi="http://www.w3.org/2001/XInclude">'
        b'<xi:include href="file:///etc/passwd" parse="text"/></a>'
    )
    assert len(document.root) == 1
    assert document.root[0].text is None


def test_a_fault_names_line_and_column_and_no_content() -> None:
    with pytest.raises(MalformedContent) as refused:
        parse(b"<a>\n <name>Anna</nome>\n</a>", name="report.xml")
    assert str(refused.value).startswith("report.xml line 2 column ")
    assert "Anna" not in str(refused.value)


def test_comments_do_not_split_text() -> None:
    assert parse(b"<a>one<!-- and --> two</a>").root.text == "one two"


def test_without_repair_a_bare_ampersand_is_a_fault() -> None:
    with pytest.raises(MalformedContent):
        parse(b"<a>bed & board</a>")


def test_a_bare_ampersand_is_repaired_and_reported() -> None:
    document = parse(b"<a>\n<b u='x?y=1&z=2'>bed & board &amp; care</b><![CDATA[a & b]]></a>", repair=True)
    assert document.root[0].text == "bed & board & care"
    assert document.root[0].get("u") == "x?y=1&z=2"
    assert [(repair.line, repair.column) for repair in document.repairs] == [(2, 12), (2, 22)]


def test_an_end_tag_without_start_is_dropped_and_reported() -> None:
    document = parse(b"<a><dose value='30'/><low/></dose><next/></a>", repair=True)
    assert [child.tag for child in document.root] == ["dose", "low", "next"]
    assert document.repairs[0].what == "end tag without start dropped"


def test_tags_that_cross_are_not_guessed_at() -> None:
    with pytest.raises(MalformedContent):
        parse(b"<a><b><c></b></c></a>", repair=True)


def test_a_well_known_prefix_of_a_fragment_is_declared() -> None:
    document = parse(b'<value xsi:type="CD"/>', repair=True)
    assert document.root.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "CD"
    assert document.repairs[0].what == "prefix xsi declared"


@pytest.mark.parametrize(
    "bomb",
    ["&" * 50_000, "<a>" * 20_000 + "</b>" * 20_000, "<!--" * 100_000, "<![CDATA[" * 50_000, '<a "' * 20_000],
)
def test_repair_gives_up_on_what_is_no_document(bomb: str) -> None:
    with pytest.raises(MalformedContent):
        parse(bomb.encode(), repair=True)


def test_the_named_characters_of_html_are_understood_in_a_fragment() -> None:
    assert parse_fragment("<p>a&nbsp;&eacute; &lt;</p>").text == "a\u00a0é <"


@needs_corpus
def test_the_sample_with_bare_ampersands_is_read_with_repair() -> None:
    sample = CORPUS / "cda" / "cdaips_example-ips-RD.xml"
    with pytest.raises(MalformedContent, match="line 283"):
        parse(sample.read_bytes(), name=sample.name)
    document = parse(sample.read_bytes(), name=sample.name, repair=True)
    assert {repair.line for repair in document.repairs} == {283, 425}


@needs_corpus
@pytest.mark.parametrize("sample", [*files("cda"), *files("dasta", "*/*")], ids=lambda path: path.name)
def test_every_sample_document_is_read(sample: Path) -> None:
    assert parse(sample.read_bytes(), name=sample.name, repair=True).root is not None
