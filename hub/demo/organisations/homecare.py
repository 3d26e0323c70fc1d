"""Home care: a FHIR server that receives the plan as a transaction, and documents. It asks for nothing."""

from __future__ import annotations

from hub.demo.cast import HOMECARE
from hub.demo.mailbag import Mailbag
from hub.demo.organisations.fhir_server import FhirServer


class HomeCare(FhirServer):
    """The home care service's own record system."""

    def __init__(self, mailbag: Mailbag) -> None:
        super().__init__(HOMECARE, mailbag)
