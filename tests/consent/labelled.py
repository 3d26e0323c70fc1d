"""Records with labels from the real rule set, for tests of labels, parts and redaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from hub.consent.labels import LabelRules, label, load_rules
from hub.consent.model import Decision, Effect, Labels, Part, Reason, Record
from hub.consent.parts import parts_of
from hub.fhir.value import Resource

RULES_FOLDER = Path(__file__).parents[2] / "mappings" / "labels"


@cache
def rules() -> LabelRules:
    return load_rules({path.name: path.read_text("utf-8") for path in sorted(RULES_FOLDER.glob("*.yaml"))})


def labels_in(*others: Resource) -> Callable[[str], Labels | None]:
    """Labels of these records by `Type/id`."""
    known = {f"{other['resourceType']}/{other['id']}": other for other in others}

    def labels_of(reference: str) -> Labels | None:
        return label(known[reference], rules(), labels_of) if reference in known else None

    return labels_of


def record(resource: Resource, *others: Resource, client: str = "Patient/anna") -> Record:
    labels_of = labels_in(*others)
    return Record(
        reference=f"{resource['resourceType']}/{resource.get('id', 'x')}",
        version="1",
        resource=resource,
        labels=label(resource, rules(), labels_of),
        clients=frozenset({client}),
        parts=parts_of(resource, labels_of, rules()),
    )


def decision(of: Record, hides: Callable[[Part], bool], elements: frozenset[str] | None = None) -> Decision:
    """A decision that hides exactly the parts that `hides` says."""
    hidden = tuple(part.pointer for part in of.parts if hides(part))
    effect = Effect.PARTIAL if hidden else Effect.PERMIT
    because = (Reason(of.reference, effect, text="as the test says"),)
    return Decision(of.reference, effect, because, hidden, elements)


def outside(*areas: str) -> Callable[[Part], bool]:
    """Hides every part with an area beside these, and everything sensitive."""
    return lambda part: bool(part.labels.areas - set(areas) or part.labels.sensitivity)
