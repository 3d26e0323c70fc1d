"""Configuration: environment variables `HUB_*` (and `--data`, `--port` of the command line).

Every setting has a safe default: SQLite and the in-process bell in a data directory of its own.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """What the operator may set. Unknown values are refused with the name of the setting."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore")

    data: Path = Path(".data")
    """Where the hub keeps keys, the audit journal and, by default, its SQLite database."""
    host: str = "127.0.0.1"
    port: int = 8080
    base_url: str = ""
    """The address the hub is known by outside; default `http://{host}:{port}`."""
    database_url: str = ""
    """`sqlite:///path` or `postgresql://…`; default: `hub.db` in the data directory."""
    database_schema: str = ""
    """The PostgreSQL schema of this hub's tables (its audit: `<schema>_audit`), where several share a database."""
    broker_url: str = "memory://"
    """`memory://` (in-process) or `amqp://user:password@host:port//`."""
    broker_name: str = "casehub"
    """The prefix of this hub's queues, where several hubs share a broker."""
    time_zone: str = "Europe/Prague"
    """The zone in which a date without time begins and ends."""
    mappings: Path = REPOSITORY / "mappings"
    cors_origins: str = ""
    """The origins, between commas, whose pages a browser may let call the API; none by default."""
    page_viewer: str = ""
    """The organisation whose view a visitor on loopback gets at `/` without signing in; off by default."""
    poll_seconds: float = 1.0
    """How often drop folders are looked at."""
    lease_seconds: float = 90.0
    """How long a claimed event or delivery is left to the process that claimed it; longer than two sends take."""
    max_attempts: int = 12
    """Attempts before a delivery is given up as a dead letter."""
    log_level: str = "info"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError("not a time zone that this machine knows") from unknown
        return value

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of `cors_origins`."""
        return tuple(origin.strip().rstrip("/") for origin in self.cors_origins.split(",") if origin.strip())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data / 'hub.db').resolve()}"

    @property
    def public_url(self) -> str:
        """The base URL in force, without a slash at its end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def keys(self) -> Path:
        """The directory of the hub's keys."""
        return self.data / "keys"

    @property
    def journal(self) -> Path:
        """The directory of the audit journal."""
        return self.data / "journal"

    def require_initialised(self) -> None:
        """ConfigurationError where `hub init` has not been run on the data directory."""
        if not self.keys.is_dir():
            raise ConfigurationError("no hub here yet: run `hub init` first", place=str(self.data))
