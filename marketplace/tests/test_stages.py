"""The last lines of `make test`: which tests failed, and which journeys passed at the second try alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.once


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """.ci/test.py, which runs nothing."""
    spec = spec_from_file_location("stages", settings.BASE_DIR / ".ci/test.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.KEPT.cleanup()
    monkeypatch.setattr(module.KEPT, "name", str(tmp_path))
    monkeypatch.setattr(module, "sqlite_template", lambda: "")
    monkeypatch.setattr(module.shutil, "which", lambda name: name)
    monkeypatch.chdir(settings.BASE_DIR)
    return module


@pytest.fixture
def runs(stages: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, ...]]]:
    """Each run of pytest leaves these tests failed, and ends with this code where any did."""

    def plan(*outcomes: list[str], code: int = 1) -> list[tuple[str, ...]]:
        left, seen = list(outcomes), []

        def run(*command: str, env: dict[str, str]) -> None:
            seen.append(command)
            remember(stages, "browser", failed := left.pop(0))
            if failed or code != 1:
                raise stages.Failed("python -m pytest", code)

        monkeypatch.setattr(stages, "run", run)
        return seen

    return plan


def remember(stages: Any, stage: str, failed: list[str]) -> None:
    kept = Path(stages.KEPT.name, stage, "v/cache/lastfailed")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(dict.fromkeys(failed, True)))


def last_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.rpartition("\n\n")[2].splitlines()


def test_pytest_remembers_what_failed_where_we_look(stages: Any, tmp_path: Path):
    tests = tmp_path / "test_two.py"
    tests.write_text("def test_good(): pass\ndef test_bad(): assert False\n")
    command = [sys.executable, *stages.suite("two"), "-n", "0", "-p", "no:django", "-c", os.devnull, f"--rootdir={tmp_path}"]
    subprocess.run([*command, str(tests)], cwd=tmp_path, capture_output=True, check=False)
    assert stages.failures("two") == ["test_two.py::test_bad"]


def test_the_failed_tests_of_a_stage_are_named_twenty_at_most(stages: Any, monkeypatch, capsys):
    def sqlite() -> None:
        remember(stages, "sqlite", [f"test_a.py::test_{n}" for n in range(22)])
        raise stages.Failed("python -m pytest")

    monkeypatch.setitem(stages.STAGES, "sqlite", sqlite)
    assert stages.main(["sqlite"]) == 1
    said = last_lines(capsys)
    assert said[0] == "sqlite             FAILED: python -m pytest"
    assert said[1:] == [*(f"  sqlite: test_a.py::test_{n}" for n in range(20)), "  sqlite: and 2 more"]


def test_every_journey_stands_where_its_stage_looks_for_it(stages: Any):
    mark = ".".join(["pytest", "mark", "browser"])
    found = {path.parent for path in settings.BASE_DIR.glob("*/tests/**/*.py") if mark in path.read_text()}
    assert found == {settings.BASE_DIR / stages.JOURNEYS}


def test_journeys_that_passed_at_once_are_not_tried_again(stages: Any, runs, capsys):
    seen = runs([])
    assert stages.main(["browser"]) == 0
    assert last_lines(capsys) == ["browser            passed in 0 s"]
    assert len(seen) == 1


def test_that_journeys_passed_at_the_second_try_is_said(stages: Any, runs, capsys):
    seen = runs(["a::one", "b::two"], [])
    assert stages.main(["browser"]) == 0
    assert last_lines(capsys) == ["browser            passed in 0 s, AT THE SECOND TRY: a::one, b::two"]
    assert "--last-failed" in seen[1]
    assert "--last-failed" not in seen[0]


@pytest.mark.parametrize(
    ("outcomes", "code", "named"),
    [
        ([["a::one", "b::two"], ["b::two"]], 1, ["  browser: b::two"]),
        ([["a", "b", "c", "d"]], 1, ["  browser: a", "  browser: b", "  browser: c", "  browser: d"]),
        ([["a::one"]], 3, ["  browser: a::one"]),
        ([[]], 4, []),
    ],
    ids=["again", "too many", "pytest broke down after one", "pytest never started"],
)
def test_journeys_fail(stages: Any, runs, capsys, outcomes: list[list[str]], code: int, named: list[str]):
    seen = runs(*outcomes, code=code)
    assert stages.main(["browser"]) == 1
    assert last_lines(capsys) == ["browser            FAILED: python -m pytest", *named]
    assert len(seen) == len(outcomes)
