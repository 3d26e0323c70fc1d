"""Every command in the documents exists, and those that can be tried here are run as they stand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
from typer.testing import CliRunner

from hub.cli import app
from tests.docs.pages import DOCS, PAGES, ROOT, commands_of, name_of, table_under

TREE = typer.main.get_command(app)
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
ALL = [(name_of(page), words) for page in PAGES for words in commands_of(page)]
HUB = [(page, words) for page, words in ALL if words[0] == "hub"]
OTHERS = {"docker"}


def resolve(words: list[str]) -> tuple[click.Command, list[str], str]:
    """The command that these words call, what is left of them, and its name."""
    command: Any = TREE
    name = ["hub"]
    rest = words[1:]
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, name, rest = command.commands[rest[0]], [*name, rest[0]], rest[1:]
    assert not hasattr(command, "commands"), f"`{' '.join(words)}` is no command"
    return command, rest, " ".join(name)


def every_command(command: Any = TREE, name: str = "hub") -> dict[str, click.Command]:
    """All commands by name."""
    if not hasattr(command, "commands"):
        return {name: command}
    return {k: v for n, c in command.commands.items() for k, v in every_command(c, f"{name} {n}").items()}


def options_of(command: click.Command) -> set[str]:
    """The long options of a command."""
    return {o for p in command.params if p.param_type_name == "option" for o in p.opts if o != "--help"}


def test_there_are_commands_to_look_at() -> None:
    assert len(HUB) > 10


@pytest.mark.parametrize(("page", "words"), ALL, ids=[f"{p}: {' '.join(w)}"[:80] for p, w in ALL])
def test_a_command_of_the_documents_exists(page: str, words: list[str]) -> None:
    if words[0] == "make":
        assert words[1] in TARGETS
        return
    if words[0] in OTHERS:
        return
    assert words[0] == "hub", f"{page}: what is `{words[0]}`?"
    command, rest, _ = resolve(words)
    unknown = [word for word in rest if word.startswith("--") and word not in options_of(command)]
    assert unknown == []


def test_the_page_of_commands_lists_every_command_with_every_option() -> None:
    said = {}
    for row in table_under(DOCS / "cli.md", "Commands"):
        words = re.sub(r"[\[\]`]|\\\|\S*", " ", row[0]).split()
        _, _, name = resolve(words)
        said[name] = set(re.findall(r"--[a-z-]+", row[0]))
    assert said == {name: options_of(command) for name, command in every_command().items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the examples in it, as in a clone."""
    path = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "examples", path / "examples")
    return path


def run(place: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Run one `hub` command in the clone; exit code and standard output."""
    monkeypatch.chdir(place)
    expanded = [m for word in words for m in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    result = CliRunner().invoke(app, expanded, catch_exceptions=False)
    return result.exit_code, result.stdout


def documented(*starts: str) -> list[list[str]]:
    """The commands of the documents that begin so, each once, without what a shell does."""
    found = {tuple(words[1 : words.index(">")] if ">" in words else words[1:]) for _, words in HUB}
    return sorted(list(words) for words in found if " ".join(words).startswith(starts))


def test_a_hub_is_set_up_and_connected_as_the_page_of_operations_says(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ("init --data .data", "org add examples/organisations/*.toml --data .data", "org list --data .data"):
        assert words.split() in documented("init", "org")
        code, said = run(place, monkeypatch, *words.split())
        assert code == 0, said
    assert said.count("\n") == len(list((place / "examples/organisations").glob("*.toml")))
    for words in documented("audit verify", "deliveries list", "identity list"):
        code, said = run(place, monkeypatch, *words)
        assert code == 0, said


@pytest.mark.parametrize("words", documented("map"), ids=" ".join)
def test_a_mapping_of_the_documents_runs_and_its_result_is_valid(
    place: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    code, said = run(place, monkeypatch, *words)
    assert code == 0
    result = json.loads(said)
    if "--report" in words:
        assert result["trace"]
        assert result["residue"] == result["warnings"] == []
        return
    (place / "result.json").write_text(said, "utf-8")
    assert run(place, monkeypatch, "validate", "result.json")[0] == 0


@pytest.mark.parametrize("words", documented("consent decide"), ids=lambda words: f"{len(words)} words")
def test_a_decision_of_the_documents_is_made(place: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    code, said = run(place, monkeypatch, *words)
    assert code == 0
    decision = json.loads(said)
    assert decision["effect"] in {"permit", "partial", "deny"}
    assert decision["because"]
    assert ("--show" in words) == ("shown" in decision)


def test_the_example_plan_is_shown_as_the_page_of_sharing_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = next(words for words in documented("consent decide") if "--show" in words)
    decision = json.loads(run(place, monkeypatch, *words)[1])
    plan = next(one for one in decision["shown"] if one["resourceType"] == "CarePlan")
    assert "title" not in plan
    assert plan["goal"] == [{"reference": "Goal/self-care"}]
    assert {one["record"] for one in decision["hidden"]} == {"Goal/finance", "Goal/mood"}
    denied = {one["record"]: one for one in decision["because"] if one["effect"] == "deny"}
    assert denied["Goal/finance"]["text"] == "default: deny"
    assert denied["Goal/mood"]["path"] == "provision.provision[0]"


def test_every_example_is_valid(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [str(file.relative_to(place)) for file in sorted((place / "examples").rglob("*.json"))]
    code, said = run(place, monkeypatch, "validate", *files)
    assert code == 0, said
