"""Nothing tells more than it should: not a URL, not an error, not an acknowledgement; and all of it is on
record.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from hub.demo.cast import CLIENT, GP, HOMECARE, HOSPITAL, ORGANISATIONS, SOCIAL
from hub.demo.evidence import Evidence
from hub.demo.story import Story

SECRETS = (CLIENT.rodne_cislo, CLIENT.family, CLIENT.given, CLIENT.birth_date)


def urls_name_nobody(story: Story, evidence: Evidence) -> bool:
    """No request line names the client: no number, no name, no date of birth in a URL."""
    numbers = tuple(one.client_number for one in ORGANISATIONS if len(one.client_number) > 4)
    lines = [unquote(line) for _, line in evidence.lines]
    return bool(lines) and not any(
        secret in line or quote(secret) in line for line in lines for secret in (*SECRETS, *numbers)
    )


def acknowledgements_name_nobody(story: Story, evidence: Evidence) -> bool:
    """No acknowledgement repeats the client's name or number."""
    return evidence.none_of(evidence.letters(HOSPITAL.id), SECRETS)


def file_names_name_nobody(story: Story, evidence: Evidence) -> bool:
    """No file that the social service receives bears the client's name or number in its own name."""
    names = [letter.key for letter in evidence.letters(SOCIAL.id, "file")]
    return bool(names) and not any(secret.lower() in name.lower() for name in names for secret in SECRETS)


def hidden_and_absent_are_the_same(story: Story, evidence: Evidence) -> bool:
    """What the GP may not see is answered exactly like what does not exist: 404 and the same bytes."""
    hidden = evidence.letters(GP.id, "refused-hidden")[-1]
    absent = evidence.letters(GP.id, "refused-absent")[-1]
    ids = (story.references["goal:finance"].split("/")[1], "00000000-0000-4000-8000-000000000000")
    bodies = [evidence.text(letter).replace(one, "ID") for letter, one in zip((hidden, absent), ids, strict=True)]
    return (hidden.status, absent.status) == (404, 404) and bodies[0] == bodies[1]


def what_was_pushed_is_on_the_hubs_list(story: Story, evidence: Evidence) -> bool:
    """Everything that an organisation received by push is on the hub's list of deliveries, with a reason."""
    listed = {delivery["sha256"]: delivery for delivery in story.seen["deliveries"] if delivery["direction"] == "push"}
    pushed = [
        letter
        for one, what in ((GP.id, "pushed"), (HOMECARE.id, "pushed"), (SOCIAL.id, "file"))
        for letter in evidence.letters(one, what)
    ]
    return bool(pushed) and all(letter.sha256 in listed and listed[letter.sha256]["because"] for letter in pushed)


def what_the_list_says_was_received(story: Story, evidence: Evidence) -> bool:
    """Everything that the hub says it delivered was received, byte for byte."""
    received = {letter.sha256 for one in ORGANISATIONS for letter in evidence.letters(one.id)}
    delivered = [
        delivery
        for delivery in story.seen["deliveries"]
        if delivery["state"] == "delivered" and delivery["direction"] == "push"
    ]
    return bool(delivered) and all(delivery["sha256"] in received for delivery in delivered)


def nothing_is_given_up(story: Story, evidence: Evidence) -> bool:
    """No delivery to anybody was given up or is still under way."""
    return not any(
        delivery["state"] in {"dead", "pending", "sending"} and delivery["direction"] == "push"
        for delivery in story.seen["deliveries"]
    )


def audit_chain_verifies(story: Story, evidence: Evidence) -> bool:
    """The audit chain verifies from its first entry to its last."""
    verdict = story.seen["audit"]
    return bool(verdict["holds"])
