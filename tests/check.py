"""All checks in one go, at home and in CI: format, lint, types, tests.

Run it by the Python that has the project's ``test`` extra: ``.venv/bin/python tests/check.py [PYTEST ARGUMENTS]``.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy", "--strict")),
    ("tests", ("pytest", "-n", "auto")),
)


def main() -> int:
    """Run every check, also after one has failed, and say at the end which did."""
    failed = []
    for name, (module, *arguments) in CHECKS:
        print(f"== {name}", flush=True)  # noqa: T201  # this is what the script is for
        more = sys.argv[1:] if name == "tests" else []
        if subprocess.run([sys.executable, "-m", module, *arguments, *more], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print("all checks passed" if not failed else f"failed: {', '.join(failed)}")  # noqa: T201  # the verdict
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
