"""The one exception tree of the hub; each class knows its OperationOutcome code and HTTP status.

    HubError
      MalformedContent        bytes that are not what they say: XML, JSON, HL7 v2, CSV (with the place)
      InvalidResource         well-formed, but not FHIR R4 (with every fault)
      InvalidSearch           search parameters that cannot be understood (with every fault)
      EntriesRefused          entries of a transaction are refused, so nothing of it is done (with every error)
      UnmappableContent       understood as a format, but no client or no rule to map it by
      MappingDefect           a mapping file is wrong (file, rule)
      ConsentNotComputable    a Consent says something the hub cannot enforce (element)
      NotPermitted            the one refusal: no Consent, no basis, a deny
      NotFound                absent, or hidden: the same answer
      Gone                    deleted, said to those who could see it
      Unauthenticated         no valid token, assertion or certificate
      InsufficientScope       the token is good for less than was asked
      VersionConflict         If-Match names another version
      SeveralMatch            a condition that may meet one record meets several
      InUse                   something stands on this record, so it stays
      PreconditionRequired    If-Match is missing where it is required
      BusinessRule            a rule of case work is broken
      NotSupported            the hub does not offer this
        UnsupportedType       nor keeps resources of this type
        NotOffered            nor this interaction on the type
      TooCostly               over a limit
      CounterpartRefused      the other system answered no
      CounterpartUnreachable  the other system did not answer
      IntegrityFailure        a seal, chain or digest does not hold
      ConfigurationError      the hub or an organisation is set up wrongly
      Unavailable             a part that the hub needs is away: try again later

Messages name the place (file, line, segment, JSON pointer, rule), in lower case, and never a person.
Codes: https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class HubError(Exception):
    """Anything the hub refuses or cannot do, for a reason it can name."""

    issue_code: ClassVar[str] = "processing"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str = "", *, place: str | None = None) -> None:
        self.message = message or _said(type(self))
        self.place = place
        super().__init__(f"{place}: {self.message}" if place else self.message)


class MalformedContent(HubError):
    """The bytes are not well-formed in the format they claim."""

    issue_code = "structure"
    http_status = 400


class InvalidResource(HubError):
    """The content is well-formed but breaks FHIR R4; `faults` lists every place."""

    issue_code = "invalid"
    http_status = 422

    def __init__(self, message: str = "", *, place: str | None = None, faults: Sequence[object] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message, place=place)


class InvalidSearch(HubError):
    """The search cannot be understood; `faults` lists every parameter that is wrong, and why."""

    issue_code = "invalid"
    http_status = 400

    def __init__(self, message: str = "", *, place: str | None = None, faults: Sequence[object] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message, place=place)


class EntriesRefused(HubError):
    """Entries of a transaction are refused, so nothing of it is done; `refusals` has each with its error."""

    issue_code = "processing"
    http_status = 422

    def __init__(self, refusals: Sequence[tuple[int, HubError]]) -> None:
        self.refusals = tuple(refusals)
        super().__init__()

    @property
    def status(self) -> int:
        """The status that all of them have; that of the class where they differ."""
        statuses = {error.http_status for _, error in self.refusals}
        return statuses.pop() if len(statuses) == 1 else self.http_status


class UnmappableContent(HubError):
    """The content is understood as a format, but cannot become a client's record."""

    issue_code = "not-supported"
    http_status = 422


class MappingDefect(HubError):
    """A mapping file or one of its rules is wrong."""

    issue_code = "exception"
    http_status = 500


class ConsentNotComputable(HubError):
    """A Consent says something the hub cannot enforce, so it is not taken."""

    issue_code = "business-rule"
    http_status = 422


class NotPermitted(HubError):
    """The asker may not do this with the record of a client they already know."""

    issue_code = "forbidden"
    http_status = 403


class NotFound(HubError):
    """There is nothing here that the asker may know of."""

    issue_code = "not-found"
    http_status = 404


class Gone(HubError):
    """This was deleted; told only to those who could see it."""

    issue_code = "deleted"
    http_status = 410


class Unauthenticated(HubError):
    """The caller did not prove who they are."""

    issue_code = "login"
    http_status = 401


class InsufficientScope(HubError):
    """The token does not cover this interaction; `scope` is one that would."""

    issue_code = "forbidden"
    http_status = 403

    def __init__(self, message: str = "", *, place: str | None = None, scope: str = "") -> None:
        self.scope = scope
        super().__init__(message, place=place)


class VersionConflict(HubError):
    """Somebody else changed this since the version that the writer saw."""

    issue_code = "conflict"
    http_status = 412


class SeveralMatch(HubError):
    """The condition meets several records, where it may meet one."""

    issue_code = "multiple-matches"
    http_status = 412


class InUse(HubError):
    """Something stands on this record, so it is not deleted."""

    issue_code = "conflict"
    http_status = 409


class PreconditionRequired(HubError):
    """This type is only changed with If-Match, so that no update is lost."""

    issue_code = "required"
    http_status = 428


class BusinessRule(HubError):
    """A rule of case work is broken."""

    issue_code = "business-rule"
    http_status = 422


class NotSupported(HubError):
    """The hub does not offer this interaction."""

    issue_code = "not-supported"
    http_status = 400


class UnsupportedType(NotSupported):
    """The hub keeps no resources of this type."""

    http_status = 404


class NotOffered(NotSupported):
    """The hub does not offer this interaction on this type."""

    http_status = 405


class TooCostly(HubError):
    """The request is over a limit."""

    issue_code = "too-costly"
    http_status = 413


class CounterpartRefused(HubError):
    """The other system answered, and refused."""

    issue_code = "processing"
    http_status = 502


class CounterpartUnreachable(HubError):
    """The other system did not answer in time."""

    issue_code = "timeout"
    http_status = 504


class IntegrityFailure(HubError):
    """A seal, a chain or a digest does not hold."""

    issue_code = "security"
    http_status = 500


class ConfigurationError(HubError):
    """The hub or one of its organisations is set up wrongly."""

    issue_code = "exception"
    http_status = 500


class Unavailable(HubError):
    """A part that the hub needs is away; nothing was half-done."""

    issue_code = "transient"
    http_status = 503


def _said(kind: type[HubError]) -> str:
    """What a class of error means, as a message: its docstring's first line, in lower case, without a full stop."""
    first = (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
    return first[:1].lower() + first[1:]
