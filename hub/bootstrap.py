"""Put the hub together: the only place that knows every part.

`bootstrap(settings)` gives a Hub with its use cases ready; tests and the command line use the same one. Clock, ids and
randomness are handed in, so that tests and simulations can turn them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from hub.adapters.cda import reader as cda_reader
from hub.adapters.fhir_rest import reader as fhir_reader
from hub.adapters.hl7v2 import reader as hl7v2_reader
from hub.adapters.sdk.contract import Adapter, Connection, Parcel, Received
from hub.adapters.sdk.registry import Registry, registry
from hub.adapters.tabular import reader as tabular_reader
from hub.casework.rules import CaseworkRules
from hub.consent.bases import Bases, load_bases
from hub.consent.labels import LabelRules, load_rules
from hub.errors import ConfigurationError, UnmappableContent
from hub.exchange.admission import Admission
from hub.exchange.announce import Announcer
from hub.exchange.conditional import Conditions
from hub.exchange.deliver import Deliverer
from hub.exchange.disclose import Gate
from hub.exchange.documents import Documents
from hub.exchange.edits import edit_of
from hub.exchange.everything import Everything
from hub.exchange.evidence import fold
from hub.exchange.export import Exporter
from hub.exchange.history import Historian
from hub.exchange.identify import Identities
from hub.exchange.ingest import Channel, Ingest
from hub.exchange.internal import Internal
from hub.exchange.match import Matcher
from hub.exchange.organisations import Member
from hub.exchange.overview import Overviews
from hub.exchange.paging import Pages
from hub.exchange.policy import Policy
from hub.exchange.published_keys import PublishedKeys
from hub.exchange.pull import Puller
from hub.exchange.read import Reader
from hub.exchange.recorder import Recorder
from hub.exchange.reindexing import OwnParameters, Reindexer
from hub.exchange.remove import Remover
from hub.exchange.resolving import Resolver
from hub.exchange.rulebook import Rulebook
from hub.exchange.search import Searcher
from hub.exchange.signin import SignIn
from hub.exchange.transaction import Transactions
from hub.exchange.transaction_run import Runs
from hub.exchange.vault import Vault
from hub.exchange.write import Writer
from hub.fhir.conformance import Library as Conformance
from hub.fhir.conformance import library as conformance
from hub.fhir.terminology import Terminology, terminology
from hub.fhir.terminology_model import ConceptMap
from hub.fhir.value import Resource
from hub.mapping import interpret, table_out
from hub.mapping.concept_maps import concept_map
from hub.mapping.library import Library
from hub.mapping.model import Mapped, Source
from hub.routing.bell import Bell, open_bell
from hub.routing.retry import Backoff
from hub.security.digests import Digests
from hub.security.keyring import Keyring
from hub.security.keys import HubKeys
from hub.security.paging import PageTokens
from hub.settings import Settings
from hub.store.audit_store import AuditStore
from hub.store.journal import Journal
from hub.store.store import Store, Tx

Clock = Callable[[], datetime]
Ids = Callable[[], str]


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def random_id() -> str:
    """A random id that tells nothing of order or rate (26 characters, 130 bits)."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(alphabet[b & 31] for b in secrets.token_bytes(26))


@dataclass(frozen=True)
class Knowledge:
    """What the hub knows before it knows any client: mappings, label rules, bases. No store needed."""

    library: Library
    label_rules: LabelRules
    bases: Bases
    zone: str
    """Where a source gives a time without a zone."""

    def read(self, received: Received) -> Source:
        """Parse with the reader of the format; MalformedContent with the place."""
        reader = READERS.get(received.format)
        if reader is None:
            raise UnmappableContent(f"no reader for format `{received.format}`", place=received.name)
        return reader(received.body, name=received.name, encoding=received.encoding)

    def map_all(self, channel: Channel, source: Source) -> Sequence[Mapped]:
        """Run the channel's mapping, or the one recognised from the content."""
        mapping = self.library.find(channel.mapping) if channel.mapping else self.library.for_source(source)
        return interpret.run_all(mapping, source, options={"zone": self.zone, **channel.options})


class Hub:
    """One hub: settings, parts, use cases."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now, ids: Ids = random_id) -> None:
        settings.require_initialised()
        self.settings = settings
        self.clock = clock
        self.ids = ids
        self.keys = HubKeys.load(settings.keys)
        self.store = Store.open(settings.database, clock=clock, ids=ids, schema=settings.database_schema)
        self.store.migrate()
        self._require_own_database()
        self.on_change: Callable[[], None] | None = None
        """Set by a worker in this process: there may be new outbox events, look at once."""
        self.on_disagreement: Callable[[], None] | None = None
        """Set by the door of this process: a search found what the gate then refused, which is an alarm."""
        self._opened: list[Callable[[], None]] = [self.store.close]

    def _require_own_database(self) -> None:
        """ConfigurationError where the database belongs to a hub with other keys: nothing in it could be opened."""
        mark = self.digests.of("hub", "keys of this database")
        with self.store.reading() as tx:
            known = tx.keys.meta("keys")
        if known is None:
            with self.store.writing() as tx:
                tx.keys.set_meta("keys", mark)
        elif known != mark:
            self.store.close()
            raise ConfigurationError(
                "the database belongs to a hub with other keys; "
                "give this one a database or HUB_DATABASE_SCHEMA of its own",
                place=str(self.settings.data),
            )

    def changed(self) -> None:
        """Something was written; a worker in this process need not wait for its next look."""
        if self.on_change is not None:
            self.on_change()

    def disagreed(self) -> None:
        """The store and the gate decided differently; the gate's word held."""
        if self.on_disagreement is not None:
            self.on_disagreement()

    def close(self) -> None:
        """Let go of everything, the journal last."""
        for close in self._opened:
            close()

    @cached_property
    def knowledge(self) -> Knowledge:
        return knowledge(self.settings.mappings, self.settings.time_zone)

    @cached_property
    def registry(self) -> Registry:
        return registry()

    @cached_property
    def vault(self) -> Vault:
        return Vault(Keyring(self.keys.hub_key))

    @cached_property
    def digests(self) -> Digests:
        return Digests(self.keys.index_key)

    @cached_property
    def policy(self) -> Policy:
        known = self.knowledge
        return Policy(label_rules=known.label_rules, bases=known.bases, zone=self.settings.zone)

    @cached_property
    def identities(self) -> Identities:
        return Identities(vault=self.vault, digests=self.digests, ids=self.ids)

    @cached_property
    def rulebook(self) -> Rulebook:
        return Rulebook(vault=self.vault, policy=self.policy, clock=self.clock)

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(
            vault=self.vault,
            policy=self.policy,
            digests=self.digests,
            rulebook=self.rulebook,
            clock=self.clock,
            parameters=self.own_parameters.of,
        )

    @cached_property
    def own_parameters(self) -> OwnParameters:
        return OwnParameters()

    @cached_property
    def reindexer(self) -> Reindexer:
        return Reindexer(store=self.store, recorder=self.recorder, label_rules=self.knowledge.label_rules.version)

    @cached_property
    def journal(self) -> Journal:
        """This process's audit journal; its file is begun by whoever first has something to write down."""
        opened = Journal.open(self.settings.journal, clock=self.clock)
        self._opened.append(opened.close)
        return opened

    @cached_property
    def audit_store(self) -> AuditStore:
        schema = self.settings.database_schema
        opened = AuditStore.open(audit_url(self.settings), schema=f"{schema}_audit" if schema else "audit")
        self._opened.insert(0, opened.close)
        return opened

    @cached_property
    def gate(self) -> Gate:
        return Gate(vault=self.vault, policy=self.policy, journal=self.journal, clock=self.clock, ids=self.ids)

    @cached_property
    def internal(self) -> Internal:
        return Internal(vault=self.vault, journal=self.journal, clock=self.clock, ids=self.ids)

    def ready(self) -> dict[str, Any]:
        """Whether database and bell answer, and what is waiting."""
        try:
            database = self.store.ready()
            with self.store.reading() as tx:
                waiting = {"outbox": tx.outbox.pending(), "deliveries": tx.deliveries.due(self.clock())}
            bell = self.bell.ready()
            ready = bool(database.get("migrated")) and bool(bell.get("ready"))
            return {"ready": ready, "store": database, "bell": bell, "waiting": waiting}
        except Exception as error:  # readiness says no for whatever reason, and says which kind
            return {"ready": False, "reason": type(error).__name__}

    @cached_property
    def ingest(self) -> Ingest:
        return Ingest(
            store=self.store,
            vault=self.vault,
            recorder=self.recorder,
            identities=self.identities,
            journal=self.journal,
            read=self.knowledge.read,
            map_all=self.knowledge.map_all,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def puller(self) -> Puller:
        return Puller(
            store=self.store,
            gate=self.gate,
            internal=self.internal,
            identities=self.identities,
            ingest=self.ingest,
            adapter=self.adapter,
            secrets=self.secrets_of,
        )

    @cached_property
    def deliverer(self) -> Deliverer:
        return Deliverer(
            store=self.store,
            gate=self.gate,
            puller=self.puller,
            adapter=self.adapter,
            render=self.render,
            author=self.author,
            backoff=self.backoff,
            max_attempts=self.settings.max_attempts,
            clock=self.clock,
            secrets=self.secrets_of,
            identities=self.identities,
        )

    @cached_property
    def announcer(self) -> Announcer:
        return Announcer(store=self.store, vault=self.vault, clock=self.clock)

    @cached_property
    def reader(self) -> Reader:
        return Reader(
            store=self.store,
            gate=self.gate,
            admission=self.admission,
            history=self.historian,
            author=self.author,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def admission(self) -> Admission:
        return Admission(gate=self.gate, vault=self.vault, policy=self.policy)

    @cached_property
    def conditions(self) -> Conditions:
        return Conditions(gate=self.gate, find=self.searcher.find)

    @cached_property
    def historian(self) -> Historian:
        return Historian(
            store=self.store,
            gate=self.gate,
            vault=self.vault,
            policy=self.policy,
            rulebook=self.rulebook,
            tokens=PageTokens(self.keys.hub_key),
            base=self.fhir_base,
        )

    @cached_property
    def casework(self) -> CaseworkRules:
        return CaseworkRules(internal=self.internal, policy=self.policy)

    @cached_property
    def writer(self) -> Writer:
        return Writer(
            store=self.store,
            gate=self.gate,
            vault=self.vault,
            recorder=self.recorder,
            identities=self.identities,
            admission=self.admission,
            conditions=self.conditions,
            remover=Remover(
                vault=self.vault,
                recorder=self.recorder,
                admission=self.admission,
                rules=self.casework.check_end,
                clock=self.clock,
            ),
            rules=self.casework.check,
            ids=self.ids,
        )

    @cached_property
    def transactions(self) -> Transactions:
        runs = Runs(
            writer=self.writer,
            conditions=self.conditions,
            read=self.reader.seen,
            base=self.fhir_base,
            ids=self.ids,
        )
        return Transactions(
            store=self.store,
            vault=self.vault,
            writer=self.writer,
            runs=runs,
            edit_of=edit_of,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def overviews(self) -> Overviews:
        return Overviews(store=self.store, gate=self.gate, vault=self.vault)

    @cached_property
    def signin(self) -> SignIn:
        return SignIn(
            store=self.store,
            keys=self.keys,
            digests=self.digests,
            published=PublishedKeys(clock=self.clock),
            token_url=f"{self.settings.public_url}/oauth/token",
            audience=f"{self.settings.public_url}/fhir",
            clock=self.clock,
        )

    @cached_property
    def documents(self) -> Documents:
        return Documents(
            store=self.store, gate=self.gate, policy=self.policy, identities=self.identities, base=self.fhir_base
        )

    @cached_property
    def matcher(self) -> Matcher:
        return Matcher(
            store=self.store, gate=self.gate, identities=self.identities, digests=self.digests, base=self.fhir_base
        )

    @cached_property
    def exporter(self) -> Exporter:
        return Exporter(store=self.store, gate=self.gate, sight=self.rulebook.sight, clock=self.clock, ids=self.ids)

    @cached_property
    def pages(self) -> Pages:
        return Pages(PageTokens(self.keys.hub_key), base=self.fhir_base)

    @cached_property
    def searcher(self) -> Searcher:
        return Searcher(
            store=self.store,
            gate=self.gate,
            rulebook=self.rulebook,
            resolver=Resolver(identifier_hash=self.recorder.identifier_hash, terminology=self.terminology),
            pages=self.pages,
            own_parameters=self.own_parameters,
            base=self.fhir_base,
            zone=self.settings.zone,
            disagreed=self.disagreed,
        )

    @cached_property
    def everything(self) -> Everything:
        return Everything(
            store=self.store,
            gate=self.gate,
            rulebook=self.rulebook,
            pages=self.pages,
            base=self.fhir_base,
            zone=self.settings.zone,
            disagreed=self.disagreed,
        )

    @property
    def fhir_base(self) -> str:
        """The address under which records are found."""
        return f"{self.settings.public_url}/fhir"

    @cached_property
    def terminology(self) -> Terminology:
        """What codes mean here: the hub's own systems, HL7's, and the tables of its mappings."""
        return terminology().with_maps(concept_maps(self.settings.mappings))

    @cached_property
    def published(self) -> Conformance:
        """The conformance resources that everybody may read."""
        return conformance(self.terminology)

    @cached_property
    def bell(self) -> Bell:
        return open_bell(self.settings.broker_url, name=self.settings.broker_name)

    @property
    def author(self) -> Resource:
        """The hub as the author of documents that it composes."""
        name = {"name": "casehub", "type": "user-friendly-name"}
        return {"resourceType": "Device", "id": "casehub", "deviceName": [name]}

    def adapter(self, id: str) -> Adapter:
        """The adapter of this id."""
        return self.registry.get(id).adapter

    def secrets_of(self, tx: Tx, organisation: str) -> Mapping[str, Mapping[str, object]]:
        """An organisation's secrets by adapter id, opened for the connection about to be used."""
        entry = tx.organisations.read(organisation)
        if entry is None or entry.secrets is None:
            return {}
        opened = self.vault.open(tx, entry.secrets, context=f"organisation-secrets:{organisation}")
        found: Mapping[str, Mapping[str, object]] = msgspec.json.decode(opened)
        return found

    def render(self, to: Member, connection: Connection, parcel: Parcel, bundle: Resource, number: str) -> Parcel:
        """A parcel in the form its connection carries: FHIR as it is, tables by the outgoing mapping.

        `number` is the organisation's own number of the client, which its table needs.
        """
        if connection.adapter != "tabular":
            return parcel
        _, configured = to.mappings.get(connection.adapter, ("", ""))
        default = "notice-to-csv" if parcel.item == "revocation-notice" else "plan-to-csv"
        mapping = self.library.find(configured if configured and default == "plan-to-csv" else default)
        table = interpret.run_out(mapping, fhir_reader.of(bundle, name=parcel.name), options={"client-number": number})
        body = table_out.write(
            table,
            encoding=str(connection.encoding or connection.config.get("encoding", "windows-1250")),
            delimiter=str(connection.config.get("delimiter", ";")),
        )
        name = parcel.name.rsplit(".", 1)[0] + ".csv"
        return Parcel(parcel.key, parcel.item, parcel.version, "text/csv", body, name)

    @property
    def library(self) -> Library:
        return self.knowledge.library

    def backoff(self, attempt: int, retry_after: float | None) -> timedelta:
        """How long to wait before the next attempt; what the counterpart asked for holds, up to an hour."""
        asked = timedelta(seconds=retry_after) if retry_after else None
        return Backoff().pause(attempt, retry_after=asked)

    def fold_audit(self) -> int:
        """Fold new journal entries into the audit store; returns how many."""
        return fold(self.settings.journal, self.audit_store)


def bootstrap(settings: Settings, *, clock: Clock = utc_now, ids: Ids = random_id) -> Hub:
    """A hub over an initialised data directory; ConfigurationError where there is none."""
    return Hub(settings, clock=clock, ids=ids)


@cache
def knowledge(directory: Path, zone: str) -> Knowledge:
    """Load mappings, label rules and bases from the files that people review."""
    if not directory.is_dir():
        raise ConfigurationError("the directory of mappings is missing", place=directory.name)
    texts = {p.name: p.read_text("utf-8") for p in sorted(directory.glob("*.yaml"))}
    texts |= {f"tables/{p.name}": p.read_text("utf-8") for p in sorted((directory / "tables").iterdir()) if p.is_file()}
    bases = resources.files("hub.consent").joinpath("bases.toml").read_text("utf-8")
    labels = {p.name: p.read_text("utf-8") for p in sorted((directory / "labels").glob("*.yaml"))}
    return Knowledge(Library(texts), load_rules(labels), load_bases(bases), zone)


@cache
def concept_maps(directory: Path) -> tuple[ConceptMap, ...]:
    """The value tables of the mappings, as concept maps."""
    tables = sorted((directory / "tables").glob("*.csv"))
    return tuple(concept_map(p.read_text("utf-8"), name=p.stem) for p in tables)


def audit_url(settings: Settings) -> str:
    """Where the audit store lives: a file of its own beside SQLite, a schema of its own on PostgreSQL."""
    if settings.database.startswith("sqlite"):
        return f"sqlite:///{(settings.data / 'audit.db').resolve()}"
    return settings.database


READERS: dict[str, Callable[..., Source]] = {
    "cda": cda_reader.read,
    "fhir": fhir_reader.read,
    "hl7v2": hl7v2_reader.read,
    "tabular": tabular_reader.read,
}
