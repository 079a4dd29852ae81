"""`recon latency` refuses before a kernel starts; what it leaves when it runs is held by tests/notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.cli import app
from recon.schedule import runner
from tests.factories.latency import Lives


@pytest.mark.parametrize(
    "words, said",
    [
        (["--since", "2026-03-06", "--until", "2026-03-05"], "is not before until"),
        (["--since", "2026-03-05", "--until", "soon"], "until 'soon' is not an instant"),
        (["--since", "2026-03-05", "--until", "2026-03-06", "--gateway", "paypal"], "accepted: all, stripe, adyen"),
        (["--since", "2026-03-05", "--until", "2026-03-06", "--region", "here"], "accepted: such as eu-central-1"),
    ],
)
def test_bad_parameters_are_refused_before_anything_starts(words: list[str], said: str, tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch,
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    lives = Lives()
    lives.payment(1)
    lake = lives.write(tmp_path / "lake")
    monkeypatch.setattr(runner, "run", lambda *_, **__: pytest.fail("a kernel was started"))
    monkeypatch.setattr("sys.argv", ["recon", "latency", *words, "--lake", str(lake), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_such_lake_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["recon", "latency", "--since", "2026-03-05", "--until", "2026-03-06", "--lake",
                                     str(tmp_path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert "no table payment_states" in capsys.readouterr().err
