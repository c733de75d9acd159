from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def empty_store(settings: Any, tmp_path: Path) -> None:
    """Each test begins without any stored picture."""
    settings.MEDIA_ROOT = tmp_path
