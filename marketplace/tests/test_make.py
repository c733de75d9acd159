"""What `make` does with the programs it starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.once

SERVER = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit({code}))
print("up", flush=True)
signal.pause()
"""


@pytest.mark.parametrize(("code", "complaint"), [(130, ""), (1, "Error 1")])
def test_ctrl_c_ends_make_run_without_a_complaint(tmp_path: Path, code: int, complaint: str):
    server = tmp_path / "server.py"
    server.write_text(SERVER.format(code=code))
    command = ["make", "run", "RUN_STAMP=", f"PY={sys.executable} {server}"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # `make test` is a make itself
    with subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=env,
        start_new_session=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as make:
        assert make.stdout.readline() == "up\n"
        os.killpg(make.pid, signal.SIGINT)  # as the terminal does
        _out, said = make.communicate(timeout=20)
    assert complaint in said
    assert bool(said) == bool(complaint)
