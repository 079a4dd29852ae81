"""What is committed speaks of the project alone: no machine's paths, no registry's address, no secret."""

from __future__ import annotations

import re

from tests.house.tree import ROOT, tracked

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "proxy.golang" + ".org",
              "deb.debian" + ".org", "repo.maven" + ".apache", "repo1.maven" + ".org"]  # fmt: skip
MACHINE_PATHS = r"(?:^|[^\w.\-/])/(?:work|farm|root|home|Users)/\w"
SECRETS = r"BEGIN (?:RSA |OPENSSH |EC )?PRIVATE" + r"|\bAKIA[0-9A-Z]{16}\b|\b[rs]k_live_[0-9A-Za-z]{8,}"
TOOLS = "sub" + "agent|helper" + " session"
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRIES), MACHINE_PATHS, SECRETS, TOOLS]), re.MULTILINE)


def test_no_forbidden_word_is_tracked() -> None:
    found = []
    for path in tracked():
        text = (ROOT / path).read_bytes().decode("utf-8", errors="replace")
        found += [f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}" for hit in FORBIDDEN.finditer(text)]
    assert found == []


def test_the_pattern_finds_what_it_is_for() -> None:
    for bad in ["see https://" + REGISTRIES[0] + "/simple", "open('/" + "work/main/x')", "/" + "home/jane/lake"]:
        assert FORBIDDEN.search(bad), bad
    for good in ["build/work/x", "s3://bucket/home/x", "rework/root/y"]:
        assert not FORBIDDEN.search(good), good


def test_nothing_is_left_to_do_later() -> None:
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X:)")
    code = [path for path in tracked() if path.endswith((".py", ".sql", ".toml", ".md", "Makefile", "run"))]
    assert [path for path in code if marks.search((ROOT / path).read_text(encoding="utf-8"))] == []
