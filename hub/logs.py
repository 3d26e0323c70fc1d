"""Logs: JSON lines on standard error, of fields that are allowed and nothing else.

No content, names, numbers, URLs or queries are logged; routes appear as templates.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "route", "status", "code", "kind", "adapter", "organisation", "item",
        "direction", "state", "attempt", "count", "seconds", "delivery", "port", "outcome", "reason", "error", "queue",
    }
)  # fmt: skip
"""Fields that a log line may have; anything else is dropped, and its name is said."""


def only_allowed(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop every field that is not on the list."""
    dropped = sorted(event.keys() - ALLOWED)
    kept = {k: v for k, v in event.items() if k in ALLOWED}
    return {**kept, "dropped": dropped} if dropped else kept


class WithoutContent(logging.Formatter):
    """How lines of libraries look: who says something and how grave it is; of an exception only its kind."""

    def formatException(self, ei: Any) -> str:
        """The kind of the exception; its text and its frames may be about a person."""
        return str(getattr(ei[0], "__name__", "exception"))

    def formatStack(self, stack_info: str) -> str:
        """Nothing of the stack."""
        return ""


def configure_logs(level: str) -> None:
    """Set up structlog for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutContent("%(levelname)s %(name)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
