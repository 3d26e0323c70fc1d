"""The character set of a message: what is declared, what is configured, and what the bytes say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.adapters.hl7v2.tests.counterpart import code, field, message
from hub.adapters.hl7v2.tests.port import Port


@pytest.fixture
def port() -> Iterator[Port]:
    opened = Port()
    yield opened
    opened.close()


def test_latin_text_that_is_really_utf_8_is_sent_back_not_misread(port: Port) -> None:
    answer = port.ask(message("m-1", charset="8859/1", codec="utf-8"))
    assert code(answer) == "AE"
    assert b"MSH^1^18" in answer
    assert port.inbox.kept == []


def test_latin_text_that_is_really_windows_1250_is_sent_back_not_misread(port: Port) -> None:
    assert code(port.ask(message("m-1", charset="8859/1", codec="windows-1250", name="Kaš"))) == "AE"


def test_text_is_read_by_the_declared_character_set(port: Port) -> None:
    assert code(port.ask(message("m-1", charset="8859/2", codec="iso-8859-2", name="Dvořáková"))) == "AA"
    assert port.inbox.kept[0].encoding == "iso-8859-2"


def test_a_wrong_declaration_is_mended_by_the_configured_character_set() -> None:
    port = Port(encoding="windows-1250")
    try:
        assert code(port.ask(message("m-1", charset="8859/1", codec="windows-1250", name="Kaš"))) == "AA"
        assert port.inbox.kept[0].encoding == "windows-1250"
    finally:
        port.close()


def test_a_sender_that_always_declares_wrongly_is_read_as_configured() -> None:
    port = Port(encoding="windows-1250", configured_charset_first=True)
    try:
        assert code(port.ask(message("m-1", charset="8859/1", codec="windows-1250", name="Dvořák"))) == "AA"
        assert port.inbox.kept[0].encoding == "windows-1250"
        assert code(port.ask(message("m-2", charset="own-set", codec="windows-1250", name="Dvořák"))) == "AA"
    finally:
        port.close()


def test_a_byte_order_mark_before_the_message_names_its_character_set(port: Port) -> None:
    answer = port.ask(b"\xef\xbb\xbf" + message("m-1", charset="", name="Dvořáková"))
    assert (code(answer), field(answer, b"MSA", 2)) == ("AA", b"m-1")
    assert port.inbox.kept[0].encoding == "utf-8-sig"


def test_an_unknown_character_set_is_sent_back(port: Port) -> None:
    assert code(port.ask(message("m-1", charset="ISO IR159"))) == "AE"
