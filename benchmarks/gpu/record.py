"""What a run found: a JSON file that is whole after every case, and a line for each on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

Found = dict[str, Any]


@dataclass
class Record:
    """Sections of cases; none that fails stops the others, and none begins after the deadline."""

    path: Path
    deadline_s: float
    about: Found
    sections: dict[str, dict[str, Found]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def case(self, section: str, name: str, work: Callable[[], Found]) -> Found:
        """What the work found, an `error` or that it was `skipped`."""
        began = time.monotonic()
        if began - self.started > self.deadline_s:
            found = {"skipped": "out of time"}
        else:
            found = self._attempt(work) | {"took_s": round(time.monotonic() - began, 2)}
        self.sections.setdefault(section, {})[name] = found
        self.save()
        spent = time.monotonic() - self.started
        print(f"{spent:6.1f} s  {section:9}  {name:58}  {summary(found)}", flush=True)
        return found

    def _attempt(self, work: Callable[[], Found]) -> Found:
        try:
            return work()
        except Exception as error:  # nobody is there to mend a case and run the others again
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return {"error": f"{type(error).__name__}: {str(error)[:600]}"}

    def wrong(self) -> list[str]:
        """The checks that failed, or could not be made."""
        checks = self.sections.get("check", {})
        return [name for name, found in checks.items() if not found.get("right")]

    def save(self) -> None:
        """Write the file as far as the run is."""
        content = {"about": self.about, "seconds": round(time.monotonic() - self.started, 1)}
        self.path.write_text(json.dumps(content | self.sections, indent=1) + "\n")


def summary(found: Found) -> str:
    """One case in a few words."""
    for key in ("error", "skipped"):
        if key in found:
            return f"{key}: {found[key].splitlines()[0][:90]}"
    if "right" in found:
        return f"{'right' if found['right'] else 'WRONG'}, {found['of_tolerance']:.2g} of tolerance"
    words = [f"{found['ms']:.3g} ms"] if "ms" in found else []
    if "tflops" in found:
        words.append(f"{found['tflops']:.0f} TFLOP/s")
    if "share" in found:
        words.append(f"{100 * found['share']:.0f} % of the product's")
    if "grown_mb" in found:
        words.append(f"{found['grown_mb']:.0f} MB")
    return ", ".join(words) or json.dumps(found)[:100]
