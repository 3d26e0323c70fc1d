"""The mailbag: every byte that an organisation received, kept as it came, one file for each message.

This is the evidence of the demo. The checks read these files and nothing else; the hub's own word counts
nowhere. Files lie at `<out>/<organisation>/NNNN-<what>.<ext>`; `<out>/index.jsonl` says how each came
(request line, idempotency key, file name), without repeating any content.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hub.demo.errors import StoryStuckError


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as an organisation received it."""

    organisation: str
    number: int
    what: str
    """`pushed`, `pulled`, `ack` or `file`, and a word more (`pushed-transaction`)."""
    path: str
    """The file with the raw bytes, relative to the out directory."""
    how: str
    """Request line, file name or message control id: no content, but where it came in."""
    key: str = ""
    """The idempotency key, file name or MSH-10 by which it joins the hub's list of deliveries."""
    duplicate: bool = False
    """The organisation had seen this key before, and did nothing with it again."""
    status: int = 0
    sha256: str = ""
    size: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


class Mailbag:
    """Keeps what organisations receive, and lets the story wait for something to arrive."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.letters: list[Letter] = []
        self.lines: list[tuple[str, str]] = []
        """(organisation, request line) of every HTTP request between the hub and the organisations."""
        self._keys: set[tuple[str, str]] = set()
        self._arrived = threading.Condition()
        out.mkdir(parents=True, exist_ok=True)
        self._clear_earlier()

    def keep(
        self,
        organisation: str,
        what: str,
        body: bytes,
        extension: str,
        *,
        how: str,
        key: str = "",
        status: int = 0,
        details: Mapping[str, str] | None = None,
    ) -> Letter:
        """Write the bytes to a file of their own; returns the letter, marked duplicate where its key is
        known.
        """
        with self._arrived:
            number = 1 + sum(1 for letter in self.letters if letter.organisation == organisation)
            folder = self.out / organisation
            folder.mkdir(exist_ok=True)
            file = folder / f"{number:04d}-{what}.{extension}"
            file.write_bytes(body)
            letter = Letter(
                organisation=organisation,
                number=number,
                what=what,
                path=str(file.relative_to(self.out)),
                how=how,
                key=key,
                duplicate=bool(key) and (organisation, key) in self._keys,
                status=status,
                sha256=hashlib.sha256(body).hexdigest(),
                size=len(body),
                details=dict(details or {}),
            )
            self.letters.append(letter)
            if key:
                self._keys.add((organisation, key))
            with (self.out / "index.jsonl").open("a", encoding="utf-8") as index:
                index.write(json.dumps(asdict(letter), ensure_ascii=False) + "\n")
            self._arrived.notify_all()
            return letter

    def _clear_earlier(self) -> None:
        """Remove what an earlier run left here: the files that its index names, and nothing else."""
        index = self.out / "index.jsonl"
        if not index.is_file():
            return
        inside = self.out.resolve()
        for line in index.read_text(encoding="utf-8").splitlines():
            kept = (self.out / str(json.loads(line)["path"])).resolve()
            if kept.is_relative_to(inside):
                kept.unlink(missing_ok=True)
        index.unlink()
        (self.out / "request-lines.txt").unlink(missing_ok=True)

    def note_line(self, organisation: str, line: str) -> None:
        """Keep one request line, as a server's or proxy's log would hold it."""
        with self._arrived:
            self.lines.append((organisation, line))
            with (self.out / "request-lines.txt").open("a", encoding="utf-8") as log:
                log.write(f"{organisation} {line}\n")

    def read(self, letter: Letter) -> bytes:
        """The bytes of one letter, from its file."""
        return (self.out / letter.path).read_bytes()

    def of(self, organisation: str, what: str = "") -> list[Letter]:
        """What one organisation received, in order; `what` narrows by the beginning of the word."""
        with self._arrived:
            return [
                letter
                for letter in self.letters
                if letter.organisation == organisation and letter.what.startswith(what)
            ]

    def counts(self) -> dict[str, int]:
        """How many letters each organisation has by now."""
        with self._arrived:
            numbers: dict[str, int] = {}
            for letter in self.letters:
                numbers[letter.organisation] = letter.number
            return numbers

    def wait(
        self, organisation: str, wanted: Callable[[Letter, bytes], bool], *, what: str, seconds: float = 90.0
    ) -> Letter:
        """Wait until the organisation has received a letter of that kind (it may have come already)."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._arrived:
            while True:
                fresh, seen = self.letters[seen:], len(self.letters)
                for letter in fresh:
                    if letter.organisation == organisation and wanted(letter, self.read(letter)):
                        return letter
                left = deadline - time.monotonic()
                if left <= 0 or (not self._arrived.wait(left) and len(self.letters) == seen):
                    raise StoryStuckError(f"{organisation} did not receive {what} within {seconds:.0f} s")
