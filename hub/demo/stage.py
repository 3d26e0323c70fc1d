"""Setting the stage: a new hub, five organisations connected to it, and everybody at work.

The organisations' entries are the files in `files/organisations/`, filled in with the ports and folders of
this run, exactly as an operator would write them by hand for `hub org add`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from zoneinfo import ZoneInfo

from hub.demo import outside
from hub.demo.cast import GP, HOSPITAL, MUNICIPALITY, ORGANISATIONS, SOCIAL
from hub.demo.facts import facts_of
from hub.demo.hub_process import HubProcess, free_port
from hub.demo.mailbag import Mailbag
from hub.demo.options import Options
from hub.demo.organisations.fhir_client import FhirClient
from hub.demo.organisations.gp import GeneralPractitioner
from hub.demo.organisations.homecare import HomeCare
from hub.demo.organisations.hospital import Hospital, Stay
from hub.demo.organisations.social import SocialService
from hub.demo.story import Story

FILES = resources.files("hub.demo") / "files"


@contextmanager
def staged(options: Options, work: Path) -> Iterator[Story]:
    """Everything up and running below `work`; taken down again at the end, whatever happened."""
    run = uuid.uuid4()
    document, summary = _given(options.hospital_document), _given(options.gp_summary)
    mailbag = Mailbag(options.out or work / "received")
    hub = HubProcess(options.data or work / "hub", port=options.port, environment=_environment(run))
    mllp = ("127.0.0.1", free_port())
    keys = {one.id: work / f"{one.id}.jwk" for one in (GP, MUNICIPALITY)}
    gp = GeneralPractitioner(mailbag, outside.gp_summary(summary) if summary else own("patient-summary.json"))
    homecare = HomeCare(mailbag)
    social = SocialService(mailbag, work / SOCIAL.id, own("social-export.csv").decode("utf-8"))
    hospital = Hospital(
        mailbag,
        work / HOSPITAL.id,
        mllp,
        outside.hospital_document(document) if document else own("discharge-summary.xml"),
    )
    blanks = {
        "mllp_port": str(mllp[1]),
        "hospital_folder": str(hospital.folder.resolve()),
        "social_folder": str(social.folder.resolve()),
        "gp_base": gp.base,
        "homecare_base": homecare.base,
    }
    with ThreadPoolExecutor() as at_once:
        new = at_once.submit(hub.init)
        jwks = dict(zip(keys, at_once.map(partial(_new_key, hub), keys.values()), strict=True))
        new.result()
    blanks |= {f"{one}_jwks": _toml(public) for one, public in jwks.items()}
    hub.connect([_entry(one.id, blanks, work) for one in ORGANISATIONS])
    clients = [
        FhirClient(hub, one, keys[one.id], mailbag, purpose=purpose)
        for one, purpose in ((MUNICIPALITY, "COC"), (GP, "TREAT"))
    ]
    try:
        for server in (gp, homecare, social):
            server.start()
        hub.start()
        yield Story(
            hub=hub,
            mailbag=mailbag,
            hospital=hospital,
            gp=gp,
            social=social,
            homecare=homecare,
            case_manager=clients[0],
            gp_client=clients[1],
            stay=_stay(),
            facts=facts_of(document, summary),
            run=run,
        )
    finally:
        for client in clients:
            client.close()
        hub.stop()
        for server in (gp, homecare, social):
            server.stop()


def own(name: str) -> bytes:
    """One of the demo's own files."""
    return (FILES / name).read_bytes()


def _given(file: Path | None) -> bytes | None:
    return file.read_bytes() if file else None


def _environment(run: uuid.UUID) -> dict[str, str]:
    """A quick hub of its own: looks into folders often, and shows a visitor the case manager's view."""
    return {
        "HUB_HOST": "127.0.0.1",
        "HUB_PAGE_VIEWER": MUNICIPALITY.id,
        "HUB_POLL_SECONDS": "0.2",
        "HUB_LEASE_SECONDS": "5",
        "HUB_BROKER_NAME": f"demo-{run.hex[:8]}",
        "HUB_DATABASE_SCHEMA": f"demo_{run.hex[:8]}",
    }


def _stay() -> Stay:
    """The stay ends today; messages carry local time, as hospital systems do."""
    today = datetime.now(ZoneInfo("Europe/Prague")).replace(hour=7, minute=30, second=0, microsecond=0)
    return Stay(admitted=today - timedelta(days=45), expected=today, discharged=today)


def _new_key(hub: HubProcess, file: Path) -> Any:
    """A signing key made with the integrator's tool; returns what is public of it."""
    return json.loads(hub.command("client", "keygen", "--out", str(file), attempts=1))


def _entry(organisation: str, blanks: dict[str, str], work: Path) -> Path:
    template = (FILES / "organisations" / f"{organisation}.toml").read_text(encoding="utf-8")
    file = work / f"{organisation}.toml"
    file.write_text(Template(template).substitute(blanks), encoding="utf-8")
    return file


def _toml(value: Any) -> str:
    """A JSON value as an inline TOML value; strings and arrays are written alike in both."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
