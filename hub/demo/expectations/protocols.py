"""Every organisation is spoken to correctly in its own protocol."""

from __future__ import annotations

import csv
import io

from hub.demo.cast import GP, HOMECARE, HOSPITAL, MUNICIPALITY, SOCIAL
from hub.demo.evidence import Evidence, dangling, deleted_by, names_in, narratives_in
from hub.demo.organisations.hospital import END, START
from hub.demo.organisations.social import ENCODING
from hub.demo.story import Story

RECEIVERS = (GP.id, HOMECARE.id)
HIDDEN = ("display:none", "display: none", "visibility:hidden", "<script", "<!--", "<img", "font-size:0")


def messages_are_acknowledged(story: Story, evidence: Evidence) -> bool:
    """Each of the hospital's three messages is acknowledged with AA."""
    accepted = {letter.key for letter in evidence.letters(HOSPITAL.id) if _msa(evidence.body(letter))[0] == "AA"}
    return accepted == {"VZA010001", "VZA080001", "VZA030001"}


def acknowledgements_echo_the_control_id(story: Story, evidence: Evidence) -> bool:
    """Each acknowledgement names, in MSA-2, the message it answers."""
    letters = evidence.letters(HOSPITAL.id)
    return bool(letters) and all(_msa(evidence.body(letter))[1] == letter.key for letter in letters)


def acknowledgements_are_framed(story: Story, evidence: Evidence) -> bool:
    """Each acknowledgement is one complete MLLP frame."""
    bodies = [evidence.body(letter) for letter in evidence.letters(HOSPITAL.id)]
    return bool(bodies) and all(
        body.startswith(START) and body.endswith(END) and body.count(START) == 1 for body in bodies
    )


def csv_is_in_their_character_set(story: Story, evidence: Evidence) -> bool:
    """The CSV files are windows-1250 with Czech letters, as the social service's software reads them."""
    bodies = [evidence.body(letter) for letter in evidence.letters(SOCIAL.id, "file")]
    texts = [body.decode(ENCODING) for body in bodies]
    return (
        bool(texts)
        and any(set("ěščřžýáíéůú") & set(text.lower()) for text in texts)
        and not any(body.startswith(b"\xef\xbb\xbf") for body in bodies)
    )


def csv_rows_are_complete(story: Story, evidence: Evidence) -> bool:
    """Every row of the CSV files has as many cells as their header, divided by semicolons."""
    for letter in evidence.letters(SOCIAL.id, "file"):
        rows = list(csv.reader(io.StringIO(evidence.body(letter).decode(ENCODING)), delimiter=";"))
        if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
            return False
    return bool(evidence.letters(SOCIAL.id, "file"))


def references_do_not_dangle(story: Story, evidence: Evidence) -> bool:
    """No reference in a received Bundle points at something that its receiver does not hold."""
    documents = [bundle for one in RECEIVERS for bundle in evidence.bundles(one, "pushed-document")]
    documents += evidence.bundles(GP.id, "pulled-social-summary")
    documents += evidence.bundles(MUNICIPALITY.id, "summary")
    if not documents or any(dangling(bundle) for bundle in documents):
        return False
    return all(_transactions_hang_together(evidence, one) for one in RECEIVERS)


def _transactions_hang_together(evidence: Evidence, organisation: str) -> bool:
    held: set[str] = set()
    for bundle in evidence.bundles(organisation, "pushed-transaction"):
        if dangling(bundle, held):
            return False
        held = (held | names_in(bundle)) - deleted_by(bundle)
    return bool(held)


def narrative_hides_nothing(story: Story, evidence: Evidence) -> bool:
    """No received narrative contains hidden text, comments, pictures or scripts."""
    divs = [
        div.lower()
        for one in RECEIVERS
        for what in ("pushed", "pulled")
        for bundle in evidence.bundles(one, what)
        for div in narratives_in(bundle)
    ]
    return not any(sign in div for div in divs for sign in HIDDEN)


def transactions_are_idempotent(story: Story, evidence: Evidence) -> bool:
    """Everything pushed carries a key by which a repetition is recognised, and one key never brings two
    contents.
    """
    contents: dict[tuple[str, str], set[str]] = {}
    for one, what in ((GP.id, "pushed"), (HOMECARE.id, "pushed"), (SOCIAL.id, "file")):
        for letter in evidence.letters(one, what):
            if not letter.key:
                return False
            contents.setdefault((one, letter.key), set()).add(letter.sha256)
    return bool(contents) and all(len(versions) == 1 for versions in contents.values())


def nothing_is_doubled_in_effect(story: Story, evidence: Evidence) -> bool:
    """No organisation received the same content twice as if it were new."""
    for one, what in ((GP.id, "pushed"), (HOMECARE.id, "pushed"), (SOCIAL.id, "file")):
        fresh = [letter.sha256 for letter in evidence.letters(one, what) if not letter.duplicate]
        if len(fresh) != len(set(fresh)):
            return False
    return True


def gp_is_asked_by_post(story: Story, evidence: Evidence) -> bool:
    """The hub asks the GP for the client by POST, with the number in the body."""
    return bool(evidence.letters(GP.id, "asked-search"))


def _msa(frame: bytes) -> tuple[str, str]:
    """MSA-1 and MSA-2 of an acknowledgement."""
    for segment in frame.strip(START + END).split(b"\r"):
        if segment.startswith(b"MSA|"):
            fields = segment.decode("ascii", "replace").split("|")
            return fields[1], fields[2]
    return "", ""
