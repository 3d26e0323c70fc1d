"""`hub consent`: decide offline, and explain who can see what of a client, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.commands.common import DATA_WRONG, USAGE, Data, Json, fail, opened, say, settings, telling

if TYPE_CHECKING:
    from hub.fhir.value import Resource

app = typer.Typer(help="Decisions about sharing.", no_args_is_help=True)
Many = list[Path]


@app.command()
def decide(
    consent: Annotated[Many, typer.Option("--consent", help="A Consent, or a Bundle of them (repeatable).")],
    record: Annotated[Many, typer.Option("--record", help="A record, or a Bundle of them (repeatable).")],
    actor: Annotated[str, typer.Option("--actor", help="Who asks, e.g. Organization/gp.")],
    purpose: Annotated[str, typer.Option("--purpose", help="A v3-ActReason code, e.g. COC, TREAT.")],
    action: Annotated[str, typer.Option("--action", help="access, disclose, collect, correct.")] = "access",
    at: Annotated[str, typer.Option("--at", help="The moment (ISO 8601); default: now.")] = "",
    basis: Annotated[str, typer.Option("--basis", help="CONSENT, LEGAL-DUTY, OWN-RECORD, ...")] = "CONSENT",
    context: Annotated[Many | None, typer.Option("--context", help="Supporting resources (repeatable).")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the redacted form of what is visible too.")] = False,
) -> None:
    """Decide whether the actor may see the records; prints one JSON object with `because`."""
    from hub.bootstrap import knowledge
    from hub.consent.labels import label
    from hub.consent.offline import judge_offline, report
    from hub.consent.parts import parts_of
    from hub.consent.redact import redact

    with telling():
        known = settings(None)
        rules = knowledge(known.mappings, known.time_zone).label_rules
        judged = judge_offline(
            resources(consent),
            resources(record),
            resources(context or []),
            actor=actor,
            purpose=purpose,
            action=action,
            at=moment(at, known.zone),
            basis=basis,
            zone=known.zone,
            label=lambda resource, resolve: label(resource, rules, resolve),
            parts=lambda resource, labels_of: parts_of(resource, labels_of, rules),
        )
        said = report(decision for _, decision in judged.decisions)
        if show:
            said["shown"] = [
                redact(record, decision, visible=judged.sees)
                for record, decision in judged.decisions
                if decision.permits
            ]
        say(said)


@app.command()
def explain(
    client: Annotated[str, typer.Argument(help="Patient/id.")],
    actor: Annotated[str, typer.Option("--actor", help="Only this organisation, e.g. Organization/gp.")] = "",
    language: Annotated[str, typer.Option("--language", help="cs, de or en.")] = "en",
    data: Data = None,
    json: Json = False,
) -> None:
    """Say who can see what of a client, and under which Consent."""
    from hub.exchange.explain import explain_sharing

    with telling(), opened(data) as hub:
        found = explain_sharing(hub.store, hub.gate, hub.vault, client, actor=actor, language=language)
    if not found:
        fail("no such client, or nobody is connected", DATA_WRONG)
    if json:
        say(found)
        return
    for one in found:
        say(one["sentence"])


def resources(files: Many) -> list[Resource]:
    """The resources in these files; Bundles are taken apart."""
    from hub.fhir import text

    found: list[Resource] = []
    for file in files:
        resource = text.read(file.read_bytes(), name=file.name)
        if resource.get("resourceType") == "Bundle" and resource.get("type") != "document":
            found += [e["resource"] for e in resource.get("entry", []) if "resource" in e]
        else:
            found.append(resource)
    return found


def moment(at: str, zone: Any) -> datetime:
    """An instant; a local time is read in the hub's zone, a date at its beginning."""
    if not at:
        return datetime.now(UTC)
    try:
        parsed = datetime.fromisoformat(at)
    except ValueError:
        fail(f"`{at}` is not an ISO 8601 moment", USAGE)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
