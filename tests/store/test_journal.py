"""The journal: on disk before it is acknowledged, chained line by line and file by file, breaks are named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest

from hub.audit.chain import link, parse
from hub.errors import IntegrityFailure, Unavailable
from hub.store.journal import Journal
from hub.store.journal_check import check
from hub.store.journal_files import files, read
from tests.store.samples import Clock, at_once


def entry(number: int) -> dict[str, object]:
    return {"id": f"e{number}", "kind": "disclosure", "clients": ["Patient/anna"]}


def written(directory: Path, count: int, part: str = "a", **options: int) -> list[str]:
    journal = Journal.open(directory, clock=Clock(), part=part, **options)
    hashes = [journal.append(entry(number)) for number in range(count)]
    journal.close()
    return hashes


def bodies(directory: Path) -> list[str]:
    return [line.body["id"] for path in files(directory) for line in read(path) if not line.opening]


def test_an_entry_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    returned = journal.append(entry(1))
    line = parse(files(tmp_path)[0].read_bytes().splitlines()[-1])
    assert line is not None
    assert (line.hash, line.read()) == (returned, entry(1))
    journal.close()


def test_many_threads_write_one_unbroken_chain(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")

    def write(who: int) -> list[str]:
        return [journal.append(entry(who * 1000 + number)) for number in range(50)]

    returned = [each for own in at_once(16, write) for each in own]
    journal.close()
    assert check(tmp_path, {}).holds
    assert sorted(line.hash for line in read(files(tmp_path)[0], after=1)) == sorted(returned)


def test_every_entry_is_synced_and_those_that_come_together_at_once(tmp_path: Path) -> None:
    code = """
import sys, os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from hub.store.journal import Journal
from tests.store.samples import Clock
syncs = []
journal = Journal.open(Path(sys.argv[1]), clock=Clock(), part="a")
sync = os.fsync
os.fsync = lambda descriptor: (syncs.append(1), sync(descriptor))[1]
with ThreadPoolExecutor(32) as pool:
    list(pool.map(lambda n: journal.append({"id": str(n)}), range(640)))
print(len(syncs))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert 640 / 32 <= int(done.stdout) < 640 / 3


def test_a_kill_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    code = """
import sys, threading, itertools
from pathlib import Path
from hub.store.journal import Journal
from tests.store.samples import Clock
journal = Journal.open(Path(sys.argv[1]), clock=Clock(), part="a", largest=20_000)
def write(who):
    for number in itertools.count():
        journal.append({"id": f"{who}-{number}", "padding": "x" * 200})
        sys.stdout.write(f"{who}-{number}\\n")
        sys.stdout.flush()
for who in range(8):
    threading.Thread(target=write, args=(who,)).start()
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(400)]
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split("\n")
    acknowledged += rest[:-1]
    process.wait()
    assert set(acknowledged) <= set(bodies(tmp_path))
    assert check(tmp_path, {}).holds
    assert len(files(tmp_path)) > 1


def test_a_write_that_fails_is_told_and_the_next_one_begins_a_new_file(tmp_path: Path) -> None:
    code = """
import json, resource, signal, sys
from pathlib import Path
from hub.errors import Unavailable
from hub.store.journal import Journal
from tests.store.samples import Clock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
journal = Journal.open(Path(sys.argv[1]), clock=Clock(), part="a")
kept, refused = [], []
for number in range(60):
    try:
        journal.append({"id": f"e{number}", "padding": "x" * 200})
        kept.append(f"e{number}")
    except Unavailable:
        refused.append(f"e{number}")
print(json.dumps([kept, refused]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    kept, refused = json.loads(done.stdout)
    assert len(refused) >= 3
    assert bodies(tmp_path) == kept
    report = check(tmp_path, {})
    assert report.holds
    assert report.files == len(refused) + 1


def test_nobody_is_told_of_success_after_the_journal_was_closed(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    journal.close()
    with pytest.raises(Unavailable):
        journal.append(entry(1))


def test_a_journal_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file stands in the way")
    with pytest.raises(Unavailable):
        Journal.open(tmp_path / "journal", clock=Clock())


def test_an_entry_that_is_not_json_is_refused_and_the_others_go_on(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    journal.append(entry(1))
    with pytest.raises(IntegrityFailure):
        journal.append({"id": object()})
    journal.append(entry(2))
    journal.close()
    assert bodies(tmp_path) == ["e1", "e2"]
    assert check(tmp_path, {}).holds


def test_each_file_names_the_one_before_it(tmp_path: Path) -> None:
    for part in ("c", "b", "a"):
        written(tmp_path, 2, part)
    first, second, third = files(tmp_path)
    assert [path.name[-7:] for path in (first, second, third)] == ["c.jsonl", "b.jsonl", "a.jsonl"]
    assert read(first)[0].body["follows"] is None
    assert read(second)[0].body["follows"] == {"file": first.name, "head": read(first)[-1].hash}
    assert read(third)[0].body["follows"] == {"file": second.name, "head": read(second)[-1].hash}
    assert check(tmp_path, {}).holds


def test_a_file_that_grew_large_is_followed_by_the_next(tmp_path: Path) -> None:
    written(tmp_path, 30, largest=1000)
    assert len(files(tmp_path)) > 3
    assert bodies(tmp_path) == [f"e{number}" for number in range(30)]
    assert check(tmp_path, {}).holds


def test_a_process_that_starts_while_another_writes_names_its_head_so_far(tmp_path: Path) -> None:
    one = Journal.open(tmp_path, clock=Clock(), part="one")
    one.append(entry(1))
    other = Journal.open(tmp_path, clock=Clock(), part="other")
    one.append(entry(2))
    other.append(entry(3))
    for journal in (one, other):
        journal.close()
    assert check(tmp_path, {}).holds
    assert bodies(tmp_path) == ["e1", "e2", "e3"]


def test_processes_that_start_at_once_follow_one_another(tmp_path: Path) -> None:
    start = Barrier(8)

    def begin(who: int) -> None:
        start.wait()
        Journal.open(tmp_path, clock=Clock(), part=f"{who}").close()

    at_once(8, begin)
    assert check(tmp_path, {}).faults == ()
    assert len(files(tmp_path)) == 8


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    written(tmp_path, 5)
    path = files(tmp_path)[0]
    assert [line.body["id"] for line in read(path, after=4)] == ["e3", "e4"]
    assert [line.seq for line in read(path, after=4)] == [5, 6]
    assert read(path, after=6) == []


def test_a_torn_last_line_is_no_entry_and_no_fault(tmp_path: Path) -> None:
    written(tmp_path, 3)
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:-20])
    report = check(tmp_path, {})
    assert report.holds
    assert report.torn == (path.name,)
    assert bodies(tmp_path) == ["e0", "e1"]
    written(tmp_path, 1, "b")
    assert check(tmp_path, {}).holds


def lines_of(directory: Path) -> tuple[Path, list[bytes]]:
    path = files(directory)[0]
    return path, path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("line", range(1, 8))
def test_a_flipped_line_is_found_and_named(tmp_path: Path, line: int) -> None:
    written(tmp_path, 6)
    path, lines = lines_of(tmp_path)
    lines[line - 1] = lines[line - 1].replace(b'"', b"'", 1) if line == 1 else lines[line - 1].replace(b"anna", b"eva")
    path.write_bytes(b"".join(lines))
    assert (path.name, line) in [(fault.file, fault.line) for fault in check(tmp_path, {}).faults]
    with pytest.raises(IntegrityFailure, match=f"line {line}"):
        read(path)


@pytest.mark.parametrize("line", range(1, 7))
def test_a_removed_line_is_found_and_named(tmp_path: Path, line: int) -> None:
    written(tmp_path, 6)
    path, lines = lines_of(tmp_path)
    del lines[line - 1]
    path.write_bytes(b"".join(lines))
    assert (path.name, line) in [(fault.file, fault.line) for fault in check(tmp_path, {}).faults]


@pytest.mark.parametrize("line", range(1, 7))
def test_reordered_lines_are_found_and_named(tmp_path: Path, line: int) -> None:
    written(tmp_path, 6)
    path, lines = lines_of(tmp_path)
    lines[line - 1], lines[line] = lines[line], lines[line - 1]
    path.write_bytes(b"".join(lines))
    assert (path.name, line) in [(fault.file, fault.line) for fault in check(tmp_path, {}).faults]


def test_a_removed_file_is_found_and_named(tmp_path: Path) -> None:
    for part in ("a", "b", "c"):
        written(tmp_path, 2, part)
    for path in files(tmp_path)[:2]:
        kept = path.read_bytes()
        path.unlink()
        assert path.name in [fault.file for fault in check(tmp_path, {}).faults]
        path.write_bytes(kept)
    assert check(tmp_path, {}).holds


def test_a_cut_tail_is_found_by_the_file_that_follows(tmp_path: Path) -> None:
    written(tmp_path, 3, "a")
    written(tmp_path, 1, "b")
    path, lines = lines_of(tmp_path)
    path.write_bytes(b"".join(lines[:-1]))
    faults = check(tmp_path, {}).faults
    assert [fault.file for fault in faults] == [path.name]


def test_a_cut_or_rewritten_tail_is_found_by_what_was_folded(tmp_path: Path) -> None:
    written(tmp_path, 3)
    path, lines = lines_of(tmp_path)
    last = read(path)[-1]
    heads = {path.name: (last.seq, last.hash)}
    assert check(tmp_path, heads).holds
    path.write_bytes(b"".join(lines[:-1]))
    assert check(tmp_path, {}).holds
    assert [(fault.file, fault.line) for fault in check(tmp_path, heads).faults] == [(path.name, 4)]
    forged, _ = link(read(path)[-1].hash, {"id": "forged"})
    path.write_bytes(path.read_bytes() + forged + b"\n")
    assert check(tmp_path, {}).holds
    assert [(fault.file, fault.line) for fault in check(tmp_path, heads).faults] == [(path.name, 4)]
    path.unlink()
    assert [fault.file for fault in check(tmp_path, heads).faults] == [path.name]


def test_files_stay_in_order_when_the_clock_goes_back(tmp_path: Path) -> None:
    clock = Clock()
    Journal.open(tmp_path, clock=clock, part="z").close()
    clock.turn(hours=-1)
    Journal.open(tmp_path, clock=clock, part="a").close()
    assert [path.name[-7] for path in files(tmp_path)] == ["z", "a"]
    assert check(tmp_path, {}).holds


def test_nobody_else_may_read_the_journal(tmp_path: Path) -> None:
    written(tmp_path / "journal", 1)
    assert files(tmp_path / "journal")[0].stat().st_mode & 0o077 == 0
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0


def test_what_is_appended_together_is_on_disk_when_the_block_ends(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    with journal.together():
        journal.append(entry(1))
        with journal.together():
            journal.append(entry(2))
        assert bodies(tmp_path) == []
    assert bodies(tmp_path) == ["e1", "e2"]


def test_what_was_appended_before_a_failure_is_written_too(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    with suppress(KeyError), journal.together():
        journal.append(entry(1))
        raise KeyError
    assert bodies(tmp_path) == ["e1"]


def test_a_block_whose_entries_cannot_be_written_is_refused(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, clock=Clock(), part="a")
    block = journal.together()
    block.__enter__()
    journal.append(entry(1))
    journal.close()
    with pytest.raises(Unavailable):
        block.__exit__(None, None, None)
    assert bodies(tmp_path) == []
