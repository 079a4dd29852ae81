"""What the pages tell people to type exists."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from infra.local.cli import app
from recon.cli.app import build
from tests.house.tree import ROOT, tracked

PAGES = [path for path in tracked() if path.endswith("README.md")]


def commands(page: str) -> list[list[str]]:
    """The command lines in a page's code blocks, split into words; comments and prompts left out."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    blocks = [block for language, block in fenced if language in ("", "sh", "bash", "console")]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if line.strip()]


def cli() -> TyperGroup:
    """The `recon` command with all its sub-commands."""
    return typer.main.get_group(build())


def local() -> TyperGroup:
    """The `pipeline` command with all its sub-commands."""
    return typer.main.get_group(app)


def targets() -> set[str]:
    """What the Makefile can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def options(command: Any) -> set[str]:
    """Every option of a command."""
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    inline = re.findall(r"`make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"))
    in_blocks = [word for words in commands(page) if words and words[0] == "make" for word in words[1:2]]
    assert {*inline, *in_blocks} <= targets()


@pytest.mark.parametrize("program", ["recon", "pipeline"])
@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str, program: str) -> None:
    known = (cli() if program == "recon" else local()).commands
    for words in commands(page):
        if words and words[0].rpartition("/")[2] == program:
            assert words[1] in known, " ".join(words)
            command = known[words[1]]
            if isinstance(command, TyperGroup):
                assert words[2] in command.commands, " ".join(words)
                command = command.commands[words[2]]
            used = {word.split("=")[0] for word in words[2:] if word.startswith("--")}
            assert used <= options(command) | {"--help"}, " ".join(words)


@pytest.mark.parametrize("program", ["recon", "pipeline"])
def test_every_command_is_described(program: str) -> None:
    of = (cli() if program == "recon" else local()).commands
    below = {f"{name} {sub}": command for name, group in of.items() if isinstance(group, TyperGroup)
             for sub, command in group.commands.items()}
    for name, command in {**of, **below}.items():
        assert command.help, name
        assert all(getattr(parameter, "help", "") or parameter.param_type_name == "argument" for parameter in
                   command.params if parameter.name != "help"), name  # fmt: skip


def test_every_target_says_what_it_does() -> None:
    described = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert targets() == described


def test_the_front_page_names_every_target_and_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert sorted(target for target in targets() - {"help", "python"} if f"make {target}" not in text) == []
    assert sorted(name for name in cli().commands if f"recon {name}" not in text) == []
    assert sorted(name for name in local().commands if f"pipeline {name}" not in text) == []
