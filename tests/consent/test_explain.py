"""Decisions and Consents in sentences, in three languages (consent rules §1, §8)."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import pytest

from hub.consent.computable import read_consent
from hub.consent.explain import LANGUAGES, area_names, explain_areas, explain_consent, explain_decision
from hub.fhir.codes import AREAS
from tests.consent.building import consent, decided
from tests.consent.world import WORLD

WORDS = tomllib.loads(resources.files("hub.consent").joinpath("tables/messages.toml").read_text("utf-8"))
NAMES = {"Organization/practice": "Ordinace"}


def keys(table: dict[str, Any]) -> set[str]:
    nested = {f"{k}.{inner}" for k, v in table.items() if isinstance(v, dict) for inner in keys(v)}
    return nested | set(table)


def test_every_language_says_everything() -> None:
    assert set(LANGUAGES) == {"cs", "de", "en"}
    assert keys(WORDS["cs"]) == keys(WORDS["de"]) == keys(WORDS["en"])
    for language in LANGUAGES:
        assert len(area_names(AREAS, language=language)) == len(AREAS)


def test_a_permit_names_who_may_see_what() -> None:
    short = {
        "permit": {
            "actor": ["Organization/practice"],
            "area": ["health", "self-care"],
            "purpose": ["COC"],
            "period": ["2026-01-01", "2026-12-31"],
            "provisions": [{"deny": {"area": ["finance"], "label": ["R"]}}],
        }
    }
    rule = read_consent(consent(short), WORLD)
    english = explain_consent(rule, language="en", name_of=lambda reference: NAMES.get(reference, reference))
    assert english == (
        "Ordinace may see health, self-care from 2026-01-01 to 2026-12-31 for coordination of care.",
        "Everyone may not see finance, within limits (confidentiality or sensitivity).",
    )
    czech = explain_consent(rule, language="cs", name_of=lambda reference: NAMES.get(reference, reference))
    assert czech[0].startswith("Ordinace smí vidět: zdraví, péče o sebe od 2026-01-01")


def test_a_consent_that_cannot_be_computed_says_where() -> None:
    rule = read_consent(consent({"permit": {"purpose": ["EMER"]}}), WORLD)
    assert "Consent.provision.purpose[0]" in explain_consent(rule, language="de")[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "row",
    [
        {"consents": [{"permit": {}}]},
        {"consents": [{"deny": {}}]},
        {"consents": []},
        {"consents": [{"permit": {"purpose": ["EMER"]}}]},
        {"consents": [{"permit": {"purpose": ["EMER"]}, "trusted": False}]},
        {"request": {"basis": "LEGAL-DUTY"}},
        {"request": {"purpose": "EMER"}},
        {"request": {"basis": "LEGAL-DUTY", "flow": "discharge-report"}, "record": {"is": "Condition/c"}},
    ],
)
def test_every_decision_can_be_said(row: dict[str, Any], language: str) -> None:
    sentence = explain_decision(decided(row), "Ordinace", language=language)
    assert sentence.startswith("Ordinace ")
    assert sentence.endswith(".")
    assert "{" not in sentence


def test_a_refusal_for_a_duty_does_not_say_that_the_law_requires_it() -> None:
    row = {"request": {"basis": "LEGAL-DUTY", "flow": "discharge-report"}, "record": {"is": "CarePlan/p"}}
    assert "does not cover" in explain_decision(decided(row), "Ordinace", language="en")


def test_areas_are_named_in_the_order_people_know() -> None:
    assert explain_areas("GP", ["housing", "health"], language="en-GB") == "GP sees: health, housing."
    assert explain_areas("GP", [], language="xx") == "GP sees nothing."
