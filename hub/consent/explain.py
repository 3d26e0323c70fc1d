"""Say a decision, or a Consent, in sentences that a person reads: Czech, German, English (consent rules §1,
§8).

The words are in `tables/messages.toml`. Names of people and organisations are handed in by the caller, who
knows what the reader may see; without a name the reference stands.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any, Final

from hub.consent.model import Decision, Effect, Reason
from hub.consent.named import Fields, PeriodText
from hub.consent.rules import ConsentRule, Provision
from hub.fhir.codes import AREAS, UNCLASSIFIED
from hub.fhir.value import Reference

_WORDS: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    resources.files("hub.consent").joinpath("tables/messages.toml").read_text("utf-8")
)
LANGUAGES: Final = tuple(_WORDS)
_FALLBACK: Final = "en"

_BY_TEXT: Final = (
    ("default:", "by_default"),
    ("name and identifiers", "by_follows"),
    ("UNENFORCEABLE", "by_unenforceable"),
    ("QUARANTINED", "by_quarantined"),
    ("basis: LEGAL-DUTY", "by_duty"),
    ("basis: CARE-PROVISION", "by_care"),
    ("basis: VITAL-INTEREST", "by_vital"),
    ("basis: OWN-RECORD", "by_own"),
    ("guardian:", "by_guardian"),
    ("directory:", "by_directory"),
    ("request:", "by_request"),
)

NameOf = Callable[[Reference], str]


def own_name(reference: Reference) -> str:
    """A reference as its own name."""
    return reference


def explain_decision(decision: Decision, who: str, *, language: str) -> str:
    """One sentence: what `who` may see of the record, and why."""
    words = _words(language)
    decisive = [reason for reason in decision.because if (reason.effect is Effect.DENY) is not decision.permits]
    why = words["and"].join(dict.fromkeys(explain_reason(reason, language=language) for reason in decisive))
    return str(words[decision.effect.value]).format(who=who, why=why)


def explain_reason(reason: Reason, *, language: str) -> str:
    """Half a sentence: why."""
    words = _words(language)
    key = next((key for start, key in _BY_TEXT if reason.text.startswith(start)), None)
    if reason.effect is Effect.DENY and reason.text.startswith("basis:"):
        key = "by_basis_deny"
    elif key is None:
        key = "by_provision_deny" if reason.effect is Effect.DENY else "by_provision_permit"
    detail = reason.text.removeprefix("basis: ").removeprefix("request: ")
    return str(words[key]).format(consent=reason.consent or "", path=reason.path, detail=detail)


def explain_consent(rule: ConsentRule, *, language: str, name_of: NameOf = own_name) -> tuple[str, ...]:
    """A sentence for each provision, outermost first; or what cannot be computed."""
    words = _words(language)
    if rule.root is None:
        return tuple(str(words["not_computable"]).format(path=fault.path, text=fault.text) for fault in rule.faults)
    return tuple(_provision(provision, language, name_of) for provision in rule.root.walk())


def explain_areas(who: str, areas: Iterable[str], *, language: str) -> str:
    """Which areas of life somebody sees."""
    words = _words(language)
    named = area_names(areas, language=language)
    return str(words["sees"] if named else words["sees_nothing"]).format(who=who, areas=", ".join(named))


def area_names(areas: Iterable[str], *, language: str) -> tuple[str, ...]:
    """The names of areas, in the order in which people see them."""
    given = frozenset(areas)
    words = _words(language)["area"]
    return tuple(str(words[area]) for area in (*AREAS, UNCLASSIFIED) if area in given)


def _words(language: str) -> Mapping[str, Any]:
    return _WORDS.get(language.partition("-")[0].lower(), _WORDS[_FALLBACK])


def _provision(provision: Provision, language: str, name_of: NameOf) -> str:
    words, fields = _words(language), provision.effective
    collects = fields.actions == frozenset(("collect",))
    key = f"{'collect' if collects else 'provision'}_{'permit' if provision.permit else 'deny'}"
    who = ", ".join(sorted(map(name_of, fields.actors))) if fields.actors is not None else words["anyone"]
    sentence = str(words[key]).format(
        who=who,
        what=_what(fields, words, language),
        when=_when(fields.period, words),
        why=_why(fields.purposes, words),
    )
    return sentence[:1].upper() + sentence[1:]


def _what(fields: Fields, words: Mapping[str, Any], language: str) -> str:
    what = str(words["everything"])
    if fields.codes is not None:
        named = [", ".join(area_names(fields.codes.areas, language=language))]
        if fields.codes.others:
            listed = ", ".join(sorted(code for _, code in fields.codes.others))
            named.append(str(words["coded"]).format(codes=listed))
        what = str(words["also"]).join(filter(None, named))
    limits = [str(words[limit]) for limit in ("labels", "classes", "data_period", "data") if getattr(fields, limit)]
    return str(words["limited"]).format(what=what, limits=", ".join(limits)) if limits else what


def _when(period: PeriodText | None, words: Mapping[str, Any]) -> str:
    if period is None:
        return ""
    key = "from_to" if period.start and period.end else "from_on" if period.start else "until"
    return str(words[key]).format(start=period.start, end=period.end)


def _why(purposes: frozenset[str] | None, words: Mapping[str, Any]) -> str:
    if purposes is None:
        return ""
    named = ", ".join(words["purpose"].get(code, code) for code in sorted(purposes))
    return str(words["for_purpose"]).format(purpose=named)
