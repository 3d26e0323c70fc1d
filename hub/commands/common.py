"""What every command shares: options, JSON or text, exit codes (0 ok, 1 the data is wrong, 2 usage, 3 environment)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from hub.errors import ConfigurationError, HubError, Unavailable

if TYPE_CHECKING:
    from hub.bootstrap import Hub
    from hub.settings import Settings

DATA_WRONG, USAGE, ENVIRONMENT = 1, 2, 3

Data = Annotated[Path | None, typer.Option("--data", help="The hub's data directory (HUB_DATA; default .data).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(value: object) -> None:
    """Print one line of text, or a value as JSON."""
    sys.stdout.write((value if isinstance(value, str) else dumps(value)) + "\n")


def dumps(value: object) -> str:
    """JSON as the command line prints it; decimals keep their text."""
    from hub.fhir import text

    if isinstance(value, dict) and "resourceType" in value:
        return text.write(value).decode()
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong on standard error and end with this exit code."""
    sys.stderr.write(f"hub: {message}\n")
    raise typer.Exit(code)


@contextmanager
def telling() -> Iterator[None]:
    """Turn the hub's errors into a message with its place and the right exit code."""
    try:
        yield
    except (ConfigurationError, Unavailable) as error:
        fail(str(error), ENVIRONMENT)
    except HubError as error:
        fail(str(error), DATA_WRONG)
    except FileNotFoundError as error:
        fail(f"no such file: {error.filename}", USAGE)
    except IsADirectoryError as error:
        fail(f"a directory, not a file: {error.filename}", USAGE)
    except OSError as error:
        fail(f"{error.strerror or type(error).__name__}: {error.filename or ''}", ENVIRONMENT)


def settings(data: Path | None, **overrides: Any) -> Settings:
    """Settings from the environment, with the command line on top."""
    from pydantic import ValidationError

    from hub.settings import Settings as Known

    given = {k: v for k, v in overrides.items() if v is not None}
    if data is not None:
        given["data"] = data
    try:
        return Known(**given)
    except ValidationError as error:
        places = "; ".join(f"HUB_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(places) from error


@contextmanager
def opened(data: Path | None) -> Iterator[Hub]:
    """The hub on this data directory, closed afterwards."""
    from hub.bootstrap import bootstrap

    hub = bootstrap(settings(data))
    try:
        yield hub
    finally:
        hub.close()
