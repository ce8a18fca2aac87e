"""The site is built without warnings, and needs no network to be looked at."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pages


def test_the_site_is_built_without_warnings_and_without_network(tmp_path: Path) -> None:
    shutil.copytree(pages.DOCS, tmp_path / "docs")
    shutil.copy(pages.ROOT / "mkdocs.yml", tmp_path)
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    made = sorted((tmp_path / "site").rglob("*.html"))
    assert len(made) > len(list(pages.DOCS.rglob("*.md")))  # all of them, and the page for what is not found
    for page in made:
        fetched = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text("utf-8"))
        assert fetched == [], page
