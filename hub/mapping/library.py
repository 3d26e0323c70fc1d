"""All mapping files of a hub, compiled; and which of them is for a given piece of content.

The texts are handed in (`mappings/*.yaml` and `mappings/tables/*.csv`); nothing is read here. The format
is told by what the content is, never by its file name alone, and the mapping by what each file says it
accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Map

from hub.errors import MappingDefect, UnmappableContent
from hub.mapping.language import Mapping, compile_mapping
from hub.mapping.model import Source

Read = Callable[..., Source]
"""A reader: `read(data, name=..., encoding=...)`."""


class Library:
    """The compiled mappings by id."""

    def __init__(self, texts: Map[str, str], tables: Map[str, str] | None = None) -> None:
        """`texts` by file name; tables apart by bare name, or among them as `tables/<name>.csv`."""
        values = dict(tables or {})
        for name, text in texts.items():
            if name.endswith(".csv"):
                values[name.rpartition("/")[2].removesuffix(".csv")] = text
        self._mappings: dict[str, Mapping] = {}
        for name, text in sorted(texts.items()):
            if name.endswith(".yaml"):
                mapping = compile_mapping(text, name=name, tables=values)
                if mapping.id in self._mappings:
                    raise MappingDefect(f"another file has the id `{mapping.id}`", place=name)
                self._mappings[mapping.id] = mapping

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings.values())

    def find(self, id: str) -> Mapping:
        """The mapping of that id."""
        if id not in self._mappings:
            raise MappingDefect(f"no mapping is called `{id}`; there are {', '.join(sorted(self._mappings))}")
        return self._mappings[id]

    def format_of(self, data: bytes, name: str = "content") -> str:
        """`cda`, `hl7v2`, `fhir` or `tabular`, by the first bytes of the content."""
        head = data.lstrip(b"\xef\xbb\xbf\xff\xfe\x0b \t\r\n\x00")
        if head.startswith(b"MSH"):
            return "hl7v2"
        if head.startswith(b"{"):
            return "fhir"
        if head.startswith(b"<"):
            return "cda"
        if any(sign in data[:4000] for sign in (b";", b"\t", b",")):
            return "tabular"
        raise UnmappableContent("neither XML, HL7 v2, FHIR JSON nor a table", place=name)

    def for_source(self, source: Source) -> Mapping:
        """The one mapping into the hub that accepts this source."""
        inward = [one for one in self._mappings.values() if one.format == source.format and one.columns is None]
        taken = [one for one in inward if one.accepts(source.root)]
        if len(taken) == 1:
            return taken[0]
        if not taken and len(inward) == 1:
            return inward[0]
        what = "no mapping is" if not taken else "several mappings are"
        raise UnmappableContent(f"{what} for this content; name one", place=source.name)

    def recognise(
        self, data: bytes, name: str, readers: Map[str, Read] | None = None, *, encoding: str | None = None
    ) -> tuple[str, str]:
        """(format, mapping id) of some content; `readers` decide where several mappings read a format."""
        kind = self.format_of(data, name)
        inward = [one.id for one in self if one.format == kind and one.columns is None]
        if len(inward) == 1:
            return kind, inward[0]
        if readers is None:
            raise UnmappableContent("several mappings read this format; name one", place=name)
        return kind, self.for_source(readers[kind](data, name=name, encoding=encoding)).id
