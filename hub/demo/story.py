"""What the steps of the journey share: the organisations at work, what they agreed on, and how one waits.

Everything a step does may be done again: the hub can be killed at any moment and the step repeated until it
holds.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from hub.demo.errors import StoryStuckError
from hub.demo.facts import Facts
from hub.demo.hub_process import HubProcess
from hub.demo.mailbag import Mailbag
from hub.demo.organisations.fhir_client import FhirClient
from hub.demo.organisations.gp import GeneralPractitioner
from hub.demo.organisations.homecare import HomeCare
from hub.demo.organisations.hospital import Hospital, Stay
from hub.demo.organisations.social import SocialService

UNDER_WAY = frozenset({"pending", "sending"})
PATIENCE_SECONDS = 120.0


@dataclass
class Story:
    """One playing of the journey."""

    hub: HubProcess
    mailbag: Mailbag
    hospital: Hospital
    gp: GeneralPractitioner
    social: SocialService
    homecare: HomeCare
    case_manager: FhirClient
    gp_client: FhirClient
    stay: Stay
    facts: Facts
    """What the two documents say that must not reach everybody: marks of our own, or texts of outside files.
    """
    run: uuid.UUID
    references: dict[str, str] = field(default_factory=dict)
    """What the case manager wrote down: `client`, `plan`, `goal:finance`, `consent:homecare` -> reference."""
    moments: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """How many letters each organisation had at a named moment."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What a step read and a later check compares: status codes, the audit's verdict."""

    @property
    def client(self) -> str:
        return self.references["client"]

    def remember_moment(self, name: str) -> None:
        """Note how far everybody's mail has come, so that checks can say before and after."""
        self.moments.setdefault(name, self.mailbag.counts())

    def submit(self, name: str, resources: Mapping[str, Mapping[str, Any]]) -> None:
        """One transaction of the case manager: all of it or nothing, and once even when it is sent twice.

        `resources` maps a name to a resource, which may refer to others of the same transaction by
        `urn_of(name)`. The references that the hub gave are remembered under the names.
        """
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self.urn_of(f"transaction {name}")},
            "entry": [
                {
                    "fullUrl": self.urn_of(one),
                    "resource": resource,
                    "request": {"method": "POST", "url": resource["resourceType"]},
                }
                for one, resource in resources.items()
            ],
        }
        answer = expect(self.case_manager.request("POST", "", bundle, basis="CONSENT", keep=f"answer-{name}"), 200)
        for one, entry in zip(resources, answer.json()["entry"], strict=True):
            self.references[one] = reference_in(entry["response"]["location"])

    def change(
        self,
        reference: str,
        edit: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        keep: str,
        basis: str = "CONSENT",
    ) -> None:
        """Read, edit, and write back under If-Match; read again where somebody else (or we, before) was
        faster.
        """
        for _ in range(10):
            read = expect(self.case_manager.get(f"/{reference}", basis=basis, keep=f"read-{keep}"), 200)
            now = read.json()
            wanted = edit(now)
            if wanted == now:
                return
            answer = self.case_manager.request(
                "PUT",
                f"/{reference}",
                wanted,
                basis=basis,
                headers={"If-Match": read.headers["ETag"]},
                keep=f"answer-{keep}",
            )
            if answer.status_code != 412:
                expect(answer, 200)
                return
        raise StoryStuckError(f"{keep}: somebody else kept changing it")

    def urn_of(self, name: str) -> str:
        """The urn:uuid of a thing of this run; the same however often it is asked."""
        return f"urn:uuid:{uuid.uuid5(self.run, name)}"

    def deliveries(self) -> list[dict[str, Any]]:
        """The hub's own list of deliveries, from the `hub` command."""
        return list(self.hub.json("deliveries", "list"))

    def until(self, what: str, holds: Callable[[], bool], *, every: float = 0.1) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise StoryStuckError(f"{what} did not happen within {PATIENCE_SECONDS:.0f} s")
            time.sleep(every)

    def settle(self) -> list[dict[str, Any]]:
        """Wait until nothing waits and no delivery is under way any more; returns the list of deliveries."""
        listed: list[dict[str, Any]] = []

        def at_rest() -> bool:
            if self.hub.is_busy():
                return False
            listed[:] = self.deliveries()
            return not any(delivery["state"] in UNDER_WAY for delivery in listed)

        self.until("the end of all deliveries", at_rest)
        return listed


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the journey as people read it, and what it does."""

    title: str
    who: str
    play: Callable[[Story], None]


def expect(answer: httpx.Response, *statuses: int) -> httpx.Response:
    """The answer, if it has one of the statuses; the story stops with the hub's own diagnostics otherwise."""
    if answer.status_code in statuses or (200 in statuses and answer.status_code == 201):
        return answer
    try:
        said = "; ".join(str(i.get("diagnostics", i.get("code"))) for i in answer.json()["issue"])
    except (ValueError, KeyError, TypeError, AttributeError):
        said = "no OperationOutcome"
    raise StoryStuckError(f"{answer.request.method} was answered {answer.status_code}: {said}")


def reference_in(location: str) -> str:
    """`Type/id` out of a Location, relative or absolute, with or without its version."""
    parts = location.partition("/_history/")[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def concept(system: str, *codes: str) -> dict[str, Any]:
    """A CodeableConcept with one coding for each code."""
    return {"coding": [{"system": system, "code": code} for code in codes]}


def play_steps(story: Story, steps: Sequence[Step], tell: Callable[[int, Step], None]) -> None:
    """Play every step in order; `tell` hears of each before it begins."""
    for number, step in enumerate(steps, start=1):
        tell(number, step)
        step.play(story)
        story.remember_moment(step.title)
