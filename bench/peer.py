"""The floor of the HTTP rows: fhirstarter with a dict for a database, no history, search, consent, sealing or audit.

Run by `make bench` with the interpreter of its own environment: `python peer.py PORT`.
"""

from __future__ import annotations

import os
import sys
import uuid

os.environ.setdefault("FHIR_SEQUENCE", "R4B")

import uvicorn
from fhir.resources.R4B.observation import Observation
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

STORED: dict[str, Observation] = {}
provider = FHIRProvider()


@provider.create(Observation)
async def create(context: InteractionContext, resource: Observation) -> str:
    resource.id = uuid.uuid4().hex
    STORED[resource.id] = resource
    return resource.id


@provider.read(Observation)
async def read(context: InteractionContext, id_: str) -> Observation:
    found = STORED.get(str(id_))
    if found is None:
        raise FHIRResourceNotFoundError
    return found


app = FHIRStarter(title="peer")
app.add_providers(provider)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", loop="uvloop", http="httptools")
