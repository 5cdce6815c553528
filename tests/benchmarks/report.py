"""How large a report of many regions is, and how long a browser takes to open and to search it.

    .venv/bin/python -m tests.benchmarks.report [REGIONS]

It prints what it measured: seconds depend on the machine, and no test judges by them.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.made_reports import large_smaps
from tests.support.needs import program
from tests.support.running import COMMAND, ROOT

SEARCH = """word => {
  const begun = performance.now();
  const input = document.querySelector("input[type=search]");
  input.value = word;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - begun;
}"""


def main() -> None:
    """Make a report, open it a few times, and search it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        text, path = Path(folder, "smaps"), Path(folder, "report.html")
        text.write_bytes(large_smaps(count))
        begun = time.monotonic()
        subprocess.run([*COMMAND, "report", "--from", str(text), "-o", str(path)], cwd=ROOT, check=True)
        print(f"{count} regions: {path.stat().st_size / 1e6:.1f} MB, made in {time.monotonic() - begun:.2f} s")  # noqa: T201
        browser = driver.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        for _ in range(3):
            begun = time.monotonic()
            page.goto(path.as_uri())
            page.wait_for_selector(".found-count")
            opened = time.monotonic() - begun
            searched = [page.evaluate(SEARCH, word) for word in ("so", "name-77", "r-x", "nothing like it")]
            print(f"opened in {opened:.2f} s, searched in {max(searched) / 1000:.3f} s at most")  # noqa: T201
        browser.close()


if __name__ == "__main__":
    main()
