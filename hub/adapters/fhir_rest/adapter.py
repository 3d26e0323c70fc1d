"""A FHIR R4 server of another organisation: asked for summaries, handed plans and documents.

A client's number never stands in a URL: the client is found by POST `_search`, then asked for by the
counterpart's own id (https://hl7.org/fhir/R4/http.html#search, IPS `$summary`). What is handed over carries
`Idempotency-Key` and `Bundle.identifier`, the same at every attempt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from hub.adapters.fhir_rest.answers import FHIR_JSON, bundle_entries, faults_said, parse
from hub.adapters.sdk.configuration import ConfigurationSchema
from hub.adapters.sdk.contract import (
    Answer,
    Connection,
    Finding,
    Listening,
    Parcel,
    PullRequest,
    Receipt,
    Received,
    Take,
)
from hub.adapters.sdk.http import Outbound, Reply
from hub.errors import ConfigurationError, CounterpartRefused, HubError, MalformedContent
from hub.fhir.text import read, write

SCHEMA: Final = ConfigurationSchema.beside(__file__)
OPERATIONS: Final = {"summary": "$summary", "social-summary": "$social-summary"}
IDENTIFIER_SYSTEM: Final = "https://casehub.example/fhir/sid/delivery"
"""The system of the Bundle.identifier that is set where a parcel comes without one."""
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_PLAIN_IDENTITY: Final = re.compile(
    r"urn:oid:[0-9.]{1,120}|(urn:uuid:)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


class FhirRest:
    """One client for each organisation, kept while its configuration stays the same."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._clients: dict[str, tuple[dict[str, Any], Outbound]] = {}
        self._lock = Lock()

    def check(self, connection: Connection) -> list[Finding]:
        try:
            client = self._client(connection)
            reply = client.get("metadata", {"Accept": FHIR_JSON})
            if not reply.ok:
                raise client.refusal(reply)
            statement = parse(reply)
        except HubError as error:
            return [Finding("the server answers at its base", well=False, advice=str(error))]
        version = str(statement.get("fhirVersion", ""))
        speaks = statement.get("resourceType") == "CapabilityStatement" and version.startswith("4.0")
        said = version if re.fullmatch(r"[0-9.]{1,12}", version) else "no version"
        return [
            Finding("the server answers at its base", well=True),
            Finding(
                f"it speaks FHIR R4 (it says {said})",
                speaks,
                "" if speaks else "base_url must be its R4 base",
            ),
        ]

    def pull(self, connection: Connection, request: PullRequest | None) -> Iterable[Received]:
        if request is None:
            return ()
        if request.item not in OPERATIONS:
            raise ConfigurationError(f"can be asked for {', '.join(OPERATIONS)} only", place=f"item {request.item}")
        return self._summary(connection, request)

    def settle(self, connection: Connection, received: Received, answer: Answer) -> None:
        return

    def push(self, connection: Connection, parcel: Parcel) -> Receipt:
        if parcel.media_type.split(";")[0].strip() != FHIR_JSON:
            raise CounterpartRefused(f"takes {FHIR_JSON} only", place=f"item {parcel.item}")
        client = self._client(connection)
        path, body = _addressed(parcel)
        headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Idempotency-Key": parcel.key}
        reply = client.post(path, body, headers)
        _held_to_success(client, reply)
        replayed = reply.headers.get("idempotent-replayed", "").lower() == "true" or reply.status == 208
        return Receipt("duplicate" if replayed else "delivered", str(reply.status), reply.destination)

    def listen(self, connection: Connection, take: Take) -> Listening | None:
        return None

    def _summary(self, connection: Connection, request: PullRequest) -> Iterator[Received]:
        client = self._client(connection)
        patient = self._find_patient(client, connection, request)
        if patient is None:
            return
        reply = client.get(f"Patient/{patient}/{OPERATIONS[request.item]}", {"Accept": FHIR_JSON})
        if reply.status in (404, 410):
            return
        if not reply.ok:
            raise client.refusal(reply, faults_said(reply))
        if said := faults_said(reply):
            raise CounterpartRefused(f"answered {reply.status} with an error ({said})", place=str(client.origin))
        identity = _identity(reply)
        yield Received(body=reply.body, format="fhir", message_id=identity, name=f"{request.item} {identity}")

    def _find_patient(self, client: Outbound, connection: Connection, request: PullRequest) -> str | None:
        """The counterpart's own id of the one patient that really has the number asked for."""
        systems = connection.config.get("identifier_systems")
        for system, value in request.identifiers:
            if isinstance(systems, list) and system not in systems:
                continue
            token = f"{_escaped(system)}|{_escaped(value)}"
            reply = client.post(
                "Patient/_search",
                urlencode({"identifier": token}).encode(),
                {"Content-Type": "application/x-www-form-urlencoded", "Accept": FHIR_JSON},
            )
            if not reply.ok:
                raise client.refusal(reply, faults_said(reply))
            found = _patients_with(parse(reply), system, value)
            if len(found) > 1:
                raise CounterpartRefused("several patients answer to one number", place=str(client.origin))
            if found:
                return found.pop()
        return None

    def _client(self, connection: Connection) -> Outbound:
        config = SCHEMA.of(connection)
        with self._lock:
            known = self._clients.get(connection.organisation)
            if known is not None and known[0] == config:
                return known[1]
            if config.get("bearer_token") and config.get("bearer_token_file"):
                raise ConfigurationError("give bearer_token or bearer_token_file", place=connection.organisation)
            client = Outbound(
                config["base_url"],
                private_network=config["private_network"],
                credential=_credential(config),
                total_seconds=config["total_seconds"],
                max_bytes=config["max_answer_bytes"],
                ca_file=config.get("ca_file"),
                clock=self._clock,
            )
            self._clients[connection.organisation] = (config, client)
            return client


def build(clock: Callable[[], datetime]) -> FhirRest:
    """The adapter, with the hub's clock."""
    return FhirRest(clock)


def _addressed(parcel: Parcel) -> tuple[str, bytes]:
    """Where a parcel goes below the base, and its bytes: documents to `Bundle`, transactions to the base."""
    try:
        bundle = read(parcel.body, name="parcel")
    except MalformedContent as error:
        raise ConfigurationError("the parcel is not FHIR JSON", place=error.place) from None
    kind = bundle.get("type")
    if bundle.get("resourceType") != "Bundle" or kind not in ("document", "transaction"):
        raise ConfigurationError("only a document or a transaction can be handed over", place=f"item {parcel.item}")
    body = parcel.body
    if "identifier" not in bundle:
        marked = {"system": IDENTIFIER_SYSTEM, "value": parcel.key}
        body = write({"resourceType": "Bundle", "identifier": marked, **bundle})
    return ("Bundle" if kind == "document" else ""), body


def _held_to_success(client: Outbound, reply: Reply) -> None:
    """A yes is a 2xx without an error inside; an answer that is no FHIR may be anybody's page."""
    if not reply.ok:
        raise client.refusal(reply, faults_said(reply))
    if not reply.body.strip():
        return
    if said := faults_said(reply):
        raise CounterpartRefused(f"answered {reply.status} with an error ({said})", place=reply.destination)
    answer = parse(reply)
    if not isinstance(answer.get("resourceType"), str):
        raise CounterpartRefused(f"answered {reply.status} with something that is not FHIR", place=reply.destination)
    for index, entry in enumerate(bundle_entries(answer)):
        status = str((entry.get("response") or {}).get("status", "2")) if answer.get("type") != "document" else "2"
        if not status.startswith(("2", "3")):
            raise CounterpartRefused(f"answered an error at /entry/{index}", place=reply.destination)


def _patients_with(answer: dict[str, Any], system: str, value: str) -> set[str]:
    found = set()
    for entry in bundle_entries(answer):
        resource = entry.get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") != "Patient":
            continue
        numbers = resource.get("identifier")
        has = isinstance(numbers, list) and any(
            isinstance(number, dict) and number.get("system") == system and number.get("value") == value
            for number in numbers
        )
        own = resource.get("id")
        if has and isinstance(own, str) and _ID.fullmatch(own) and own.strip("."):
            found.add(own)
    return found


def _identity(reply: Reply) -> str:
    """The document's own identifier where it is plainly one, and always its digest."""
    digest = sha256(reply.body).hexdigest()
    try:
        identifier = parse(reply).get("identifier")
    except CounterpartRefused:
        identifier = None
    value = identifier.get("value") if isinstance(identifier, dict) else None
    if isinstance(value, str) and _PLAIN_IDENTITY.fullmatch(value):
        return f"{value}#{digest[:16]}"
    return f"sha256:{digest}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


def _credential(config: dict[str, Any]) -> Callable[[], str | None]:
    def bearer() -> str | None:
        token = config.get("bearer_token")
        if file := config.get("bearer_token_file"):
            try:
                token = Path(file).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                raise ConfigurationError("cannot be read", place="bearer_token_file") from None
        return f"Bearer {token}" if token else None

    return bearer
