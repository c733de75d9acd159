"""`make requirements`: pin what requirements*.in allow, for every platform, with no package index named in the result."""

import subprocess
import sys

PAIRS = (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt"))

for source, target in PAIRS:
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", "3.11"),
            *("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make requirements"),
            *(source, "--output-file", target),
        ],
        check=True,
    )
