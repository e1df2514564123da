"""How PyTorch's threads wait is decided at import, and what the user has set stands."""

import ast
import os
import subprocess
import sys

import pytest

import mynah

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def decided(**variables: str) -> dict[str, str]:
    """The two variables in a fresh process that has imported mynah."""
    environment = {name: value for name, value in os.environ.items() if name not in NAMES} | variables
    code = f"import mynah, os, sys; print([os.environ.get(n, '') for n in {NAMES!r}], 'torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    values, _, early = process.stdout.strip().rpartition(" ")
    assert early == "False"  # later would be too late
    return dict(zip(NAMES, ast.literal_eval(values), strict=True))


def test_one_of_the_two_is_set() -> None:
    assert decided() in [
        {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": ""},
        {"OMP_WAIT_POLICY": "", "GOMP_SPINCOUNT": "100000"},
    ]


@pytest.mark.parametrize("variables", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}])
def test_what_is_set_stands(variables: dict[str, str]) -> None:
    assert decided(**variables) == dict.fromkeys(NAMES, "") | variables


@pytest.mark.parametrize(("loads", "busy"), [("22222222", True), ("2222212", False), ("1", False)])
def test_a_short_neighbour_is_no_neighbour(monkeypatch: pytest.MonkeyPatch, loads: str, busy: bool) -> None:
    readings = iter(loads)
    monkeypatch.setattr("mynah.Path.read_text", lambda path: f"0.5 0.5 0.5 {next(readings)}/80 1234\n")
    monkeypatch.setattr("mynah.time.sleep", lambda seconds: None)
    assert mynah._other_programs_run() is busy
