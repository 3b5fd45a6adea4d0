"""A shell in which nothing but an intruder works. In: hostile values and the lines that hold them. Out: was one run?

The only program on the path is one that leaves a mark; every value tries to reach it by another way out of its quotes.
"""

import shutil
import subprocess
from pathlib import Path


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path is not None
    return path


class Canary:
    """Runs lines in an empty directory and tells whether one of the values got out."""

    def __init__(self, directory: Path) -> None:
        self.mark = directory / "mark"
        self.path = directory / "path"
        self.place = directory / "place"
        self.path.mkdir()
        self.place.mkdir()
        self.shell = _found("bash")
        (self.path / "touch").symlink_to(_found("touch"))

    @property
    def values(self) -> tuple[str, ...]:
        """What a page might supply to get a command run."""
        run = f"touch {self.mark}"
        return (
            f"$({run})", f"`{run}`", f"'; {run}; '", f'"; {run}; "', f"x; {run}", f"x && {run}", f"x | {run}",
            f"x & {run} &", f"x\n{run}\n", f"x\r\n{run}", f"\\'; {run}; \\'", f"'$({run})'", f"-x; {run}",
            f"x # '\n{run}",
            f"${{x:-$({run})}}", f"x >{self.mark}", f"x > '{self.mark}", f"\u202e'; {run}", f"\x00'; {run}; '",
            f"<({run})", f"!!; {run}", f"$'\\n'; {run}", f"'\"$({run})\"'")

    def run(self, line: str) -> None:
        """Runs it; every ordinary program is not found."""
        subprocess.run([self.shell, "-c", line], cwd=self.place, env={"PATH": str(self.path)}, stdin=subprocess.DEVNULL,
                       capture_output=True, check=False, timeout=60)  # fmt: skip

    def is_untouched(self) -> bool:
        """Whether nobody left a mark."""
        return not self.mark.exists()
