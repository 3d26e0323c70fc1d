"""Drop folders: what is taken, what is left alone and why, where it goes, and what a crash does."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.sdk.contract import Answer
from hub.adapters.sdk.folders import DropFolder, Piece, shown_name, write_whole
from hub.errors import CounterpartRefused, CounterpartUnreachable
from tests.adapters import rights
from tests.adapters.contract import CANARY, TestClock

ACCEPTED = Answer("accepted", "2 records", ("row 4",), "r-1")


class Post:
    """A folder, the hub that looks into it, and the clock."""

    def __init__(self, root: Path, pattern: str = "*.csv") -> None:
        self.root = root
        self.clock = TestClock()
        self.pattern = pattern
        for name in ("in", "out"):
            (root / name).mkdir()
        self.start()

    def start(self) -> None:
        """A hub that was just started remembers nothing."""
        quiet = timedelta(seconds=2)
        self.folder = DropFolder(self.root, pattern=self.pattern, quiet=quiet, limit=1000, clock=self.clock)

    def drop(self, name: str = "a.csv", body: bytes = b"a;b\r\n") -> Path:
        file = self.root / "in" / name
        file.write_bytes(body)
        return file

    def look(self, after: float = 5.0) -> list[Piece]:
        self.clock.turn(after)
        return list(self.folder.take())

    def taken(self) -> list[Piece]:
        self.look()
        return self.look()

    def why(self, name: str) -> str:
        return next(entry.why for entry in self.folder.look()[1] if entry.name == name)

    def lies_in(self, where: str) -> list[str]:
        folder = self.root / where
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def test_a_file_is_not_taken_at_the_first_look(post: Post) -> None:
    post.drop()
    assert post.look() == []
    assert [piece.body for piece in post.look()] == [b"a;b\r\n"]


def test_two_looks_too_close_together_are_one(post: Post) -> None:
    post.drop()
    assert post.look() == []
    assert post.look(after=1) == []
    assert len(post.look(after=1)) == 1


def test_a_growing_file_is_left_until_it_has_stopped(post: Post) -> None:
    file = post.drop()
    for _ in range(5):
        with file.open("ab") as growing:
            growing.write(b"more\r\n")
        assert post.look() == []
    assert len(post.look()) == 1


def test_a_file_rewritten_with_the_same_size_is_still_growing(post: Post) -> None:
    file = post.drop()
    post.look()
    file.write_bytes(b"c;d\r\n")
    os.utime(file, ns=(1, 1))
    assert post.look() == []


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_seen_anew(post: Post) -> None:
    file = post.drop()
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    post.look()
    other = post.drop("b.tmp", b"x;y\r\n")
    os.utime(other, ns=times)
    other.rename(file)
    assert post.look() == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".hidden.csv", "hidden"),
        ("a.csv.tmp", "temporary"),
        ("a.csv.part", "temporary"),
        ("a.csv~", "temporary"),
        ("~$a.csv", "temporary"),
        ("CON.csv", "name"),
        ("nul", "name"),
        ("a\nb.csv", "name"),
        ("a\x1b[31m.csv", "name"),
        ("x" * 220 + ".csv", "name"),
        ("a.exe", "kind"),
    ],
)
def test_files_that_are_not_meant_are_left_alone_with_a_reason(post: Post, name: str, why: str) -> None:
    post.drop(name)
    assert post.taken() == []
    assert why in post.why(name)
    assert post.lies_in("in") == [name]


def test_an_empty_file_is_left_alone_and_taken_once_it_is_filled(post: Post) -> None:
    file = post.drop(body=b"")
    assert post.taken() == []
    assert post.why("a.csv") == "empty"
    file.write_bytes(b"a;b")
    assert len(post.taken()) == 1


def test_a_file_over_the_limit_is_left_alone(post: Post) -> None:
    post.drop(body=b"x" * 1001)
    assert post.taken() == []
    assert "limit" in post.why("a.csv")


def test_links_pipes_folders_and_second_names_are_left_alone(post: Post, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for the hub")
    (tmp_path / "in" / "link.csv").symlink_to(secret)
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    (tmp_path / "in" / "folder.csv").mkdir()
    os.link(secret, tmp_path / "in" / "second.csv")
    assert post.taken() == []
    assert post.why("link.csv") == "symbolic link"
    assert post.why("pipe.csv") == "not a plain file"
    assert post.why("folder.csv") == "not a plain file"
    assert "second name" in post.why("second.csv")


def test_a_file_swapped_for_a_link_after_the_look_is_not_followed(post: Post, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"a;b\r\n")
    first, second = post.drop("1.csv"), post.drop("2.csv", b"c;d\r\n")
    os.utime(first, ns=(1, 1))
    post.look()
    post.clock.turn(5)
    taking = post.folder.take()
    assert next(taking).path == first
    second.unlink()
    second.symlink_to(tmp_path / "secret")
    assert list(taking) == []


def test_the_oldest_file_comes_first(post: Post) -> None:
    for name, age in (("a.csv", 3), ("b.csv", 1), ("c.csv", 2)):
        os.utime(post.drop(name, name.encode()), ns=(age, age))
    assert [piece.path.name for piece in post.taken()] == ["b.csv", "c.csv", "a.csv"]


@pytest.mark.parametrize(("outcome", "where"), [("accepted", "done"), ("partly", "done"), ("rejected", "error")])
def test_a_settled_file_goes_where_its_answer_sends_it_with_a_report(post: Post, outcome: str, where: str) -> None:
    post.drop()
    (piece,) = post.taken()
    post.folder.settle(piece.sha256, Answer(outcome, "note", ("row 4",), "r-1"))  # type: ignore[arg-type]
    assert post.lies_in("in") == []
    assert post.lies_in(where) == ["a.csv", "a.csv.report.json"]
    report = json.loads((post.root / where / "a.csv.report.json").read_text())
    assert report["outcome"] == outcome
    assert report["places"] == ["row 4"]
    assert report["received"] == "r-1"
    assert (post.root / where / "a.csv").read_bytes() == b"a;b\r\n"


def test_what_the_hub_cannot_take_now_stays(post: Post) -> None:
    post.drop()
    (piece,) = post.taken()
    post.folder.settle(piece.sha256, Answer("failed"))
    assert post.lies_in("in") == ["a.csv"]
    assert len(post.look()) == 1


def test_a_file_that_grew_after_it_was_read_stays_and_is_read_again(post: Post) -> None:
    file = post.drop()
    (piece,) = post.taken()
    file.write_bytes(b"a;b\r\nc;d\r\n")
    post.folder.settle(piece.sha256, ACCEPTED)
    assert post.lies_in("in") == ["a.csv"]
    assert [again.body for again in post.taken()] == [b"a;b\r\nc;d\r\n"]


def test_a_crash_before_the_move_gives_the_same_piece_again(post: Post) -> None:
    post.drop()
    (before,) = post.taken()
    post.start()
    (after,) = post.taken()
    assert (after.sha256, after.body) == (before.sha256, before.body)
    post.folder.settle(after.sha256, ACCEPTED)
    assert post.lies_in("done") == ["a.csv", "a.csv.report.json"]


def test_a_crash_between_report_and_move_heals(post: Post) -> None:
    post.drop()
    (post.root / "done").mkdir()
    write_whole(post.root / "done" / "a.csv.report.json", b"{}")
    (piece,) = post.taken()
    post.folder.settle(piece.sha256, ACCEPTED)
    assert json.loads((post.root / "done" / "a.csv.report.json").read_text())["outcome"] == "accepted"


def test_another_file_of_the_same_name_does_not_overwrite_the_first(post: Post) -> None:
    for body in (b"monday", b"tuesday"):
        post.drop(body=body)
        (piece,) = post.taken()
        post.folder.settle(piece.sha256, ACCEPTED)
    kept = list((post.root / "done").glob("*.csv"))
    assert sorted(path.read_bytes() for path in kept) == [b"monday", b"tuesday"]
    assert len(list((post.root / "done").glob("*.report.json"))) == 2


def test_the_same_file_under_two_names_is_the_same_piece_and_both_are_moved(post: Post) -> None:
    post.drop("a.csv")
    post.drop("b.csv")
    pieces = post.taken()
    assert len({piece.sha256 for piece in pieces}) == 1
    for piece in pieces:
        post.folder.settle(piece.sha256, ACCEPTED)
    assert post.lies_in("in") == []
    assert len([name for name in post.lies_in("done") if name.endswith(".csv")]) == 2


def test_a_file_that_somebody_took_away_is_nobodys_error(post: Post) -> None:
    file = post.drop()
    (piece,) = post.taken()
    file.unlink()
    post.folder.settle(piece.sha256, ACCEPTED)
    assert post.lies_in("done") == []


def test_a_share_that_is_not_mounted_is_unreachable_and_is_not_made(tmp_path: Path) -> None:
    away = DropFolder(tmp_path / "x", pattern="*", quiet=timedelta(0), limit=10, clock=TestClock())
    with pytest.raises(CounterpartUnreachable, match="in/"):
        list(away.take())
    assert not (tmp_path / "x").exists()


def test_a_folder_without_rights_is_refused(post: Post) -> None:
    (post.root / "in").chmod(0)
    try:
        with rights.of_everybody(), pytest.raises(CounterpartRefused, match="in/"):
            post.look()
    finally:
        (post.root / "in").chmod(0o700)


def test_done_without_rights_is_refused_and_the_file_stays(post: Post) -> None:
    post.drop()
    (post.root / "done").mkdir(mode=0o500)
    (piece,) = post.taken()
    with rights.of_everybody(), pytest.raises(CounterpartRefused, match="done/"):
        post.folder.settle(piece.sha256, ACCEPTED)
    assert post.lies_in("in") == ["a.csv"]


def test_a_name_that_may_be_a_persons_is_shown_as_a_digest(post: Post) -> None:
    post.drop(f"{CANARY}.csv")
    (piece,) = post.taken()
    assert shown_name(piece, []) == f"file-{piece.sha256[:12]}.csv"
    assert shown_name(piece, ["clients-*.csv"]) == f"file-{piece.sha256[:12]}.csv"
    assert shown_name(piece, ["*.csv"]) == f"{CANARY}.csv"


def test_nobody_sees_half_of_a_file_that_the_hub_writes(tmp_path: Path) -> None:
    target = tmp_path / "plan.csv"
    write_whole(target, b"whole")
    assert [path.name for path in target.parent.iterdir()] == ["plan.csv"]
    assert target.read_bytes() == b"whole"
