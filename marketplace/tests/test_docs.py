"""The documents name what there is, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.once

ROOT = settings.BASE_DIR
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!`)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
LOGINS = ("client@example.com", "freelancer@example.com", "admin@example.com", "moderator@example.com")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_link_to_the_project_leads_somewhere(document: Path):
    broken = []
    for target in LINK.findall(document.read_text()):
        path, _mark, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(target)
    assert broken == []


def test_every_make_target_is_explained_and_exists():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    explained = set(re.findall(r"`make ([a-z-]+)", (ROOT / "docs/operations.md").read_text()))
    assert explained == targets


def test_the_readme_names_only_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)) <= targets


def test_every_command_of_ours_is_explained():
    commands = {
        path.stem
        for app in ROOT.iterdir()
        if app.is_dir()
        for path in app.glob("management/commands/*.py")
        if path.stem != "__init__"
    }
    explained = set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))
    assert commands - explained == set()
    assert explained - commands == {"clearsessions"}


def test_the_worker_and_the_web_server_of_the_procfile_are_explained():
    operations = (ROOT / "docs/operations.md").read_text()
    for line in (ROOT / "Procfile").read_text().splitlines():
        program = re.sub(r"--port \S+|--access-log \S+|--quiet", "", line.partition(": ")[2]).split()
        assert all(word in operations for word in program), line


def test_the_readme_has_the_demo_logins_and_their_password():
    readme = (ROOT / "README.md").read_text()
    assert all(login in readme for login in LOGINS)
    assert "handsel-demo-1" in readme


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_lines_of_prose_fit_a_screen(document: Path):
    prose = [line for line in document.read_text().splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > 140] == []


def test_the_check_of_links_sees_a_broken_one(tmp_path: Path):
    (tmp_path / "page.md").write_text("See [the rules](rules.md) and [above](#no-such-heading).\n# A heading\n")
    with pytest.raises(AssertionError):
        test_every_link_to_the_project_leads_somewhere(tmp_path / "page.md")
