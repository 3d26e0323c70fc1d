"""Templates to pages: everything autoescaped, every text from a catalogue, under a policy that lets nothing else in.

The policy allows the hub's own style sheet and pictures, no script at all, and no frame around the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from hub.exchange.overview import Overview
from hub.web.languages import NAMES, Language
from hub.web.present import view_of
from hub.web.static_files import address_of
from hub.web.timeline import timeline_of

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}


@cache
def environment(language: Language) -> Environment:
    """The templates in one language."""
    made = Environment(
        loader=PackageLoader("hub.web"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    vars(made)["install_gettext_callables"](language.gettext, language.ngettext, newstyle=True)
    made.globals |= {"language": language, "languages": NAMES, "asset": address_of}
    return made


def overview_page(
    overview: Overview,
    language: Language,
    *,
    clients: Sequence[tuple[str, str]],
    zone: ZoneInfo,
    now: datetime,
) -> str:
    """The page of one client."""
    view = view_of(overview, language, zone)
    timeline = timeline_of(overview.timeline, [row.name for row in overview.rows], language, zone)
    return _render(
        "overview.html",
        language,
        view=view,
        timeline=timeline,
        clients=clients,
        client=overview.client.partition("/")[2],
        now=language.moment(now, zone),
        now_iso=now.isoformat(),
    )


def clients_page(clients: Sequence[tuple[str, str]], language: Language) -> str:
    """The choice of clients; also where there is none to choose."""
    return _render("clients.html", language, clients=clients, client="")


def welcome_page(language: Language) -> str:
    """What a visitor without a view sees: nothing of anybody."""
    return _render("welcome.html", language, client="")


def problem_page(language: Language, *, found: bool) -> str:
    """There is no such page (or not for this visitor), or the hub cannot answer now."""
    return _render("problem.html", language, client="", found=found)


def answer(page: str, *, status: int = 200, language: Language, remember: bool) -> Response:
    """A page as it leaves; the language is remembered where the visitor chose it."""
    response = HTMLResponse(page, status, headers={**HEADERS, "Content-Language": language.code})
    if remember:
        response.set_cookie("lang", language.code, max_age=31_536_000, httponly=True, samesite="lax")
    return response


def _render(template: str, language: Language, **values: object) -> str:
    return environment(language).get_template(template).render(**values)
