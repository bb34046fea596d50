"""What people prefer, on the disk: one line of JSON a click, synced before the next question.

Preferences are pairs (`prompt`, `chosen`, `rejected`) as `contrast run plugin=alignment
data=records` reads them. What has no winner, ties and skipped questions, stands in a file beside:
`answers.undecided.jsonl`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from errno import ENOSPC
from pathlib import Path
from typing import Any

from contrast.errors import DataError
from contrast_alignment.records import Turns
from contrast_alignment.rows import json_lines

SUFFIX = ".jsonl"
PAIR = ("prompt", "chosen", "rejected")
UNDECIDED = ("prompt", "left", "right", "said")


class JsonLines:
    """A file of JSON objects that only grows.

    A last line that a crash cut off is taken away when the file is opened, so that what is appended
    begins a line of its own; nothing else is ever changed.
    Raises: DataError: a broken line, one that lacks a field, or a file that cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, make: bool) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        try:
            if path.exists():
                self.rows = self._read(columns)
                self._mend()
            elif make:
                path.parent.mkdir(parents=True, exist_ok=True)
            if make or path.exists():
                self._append(b"")
        except UnicodeDecodeError:
            raise DataError(
                f"{path} is not UTF-8 text; answers are appended to JSON lines"
            ) from None
        except OSError as error:
            raise DataError(f"cannot keep answers in {path}: {error.strerror}") from None

    def add(self, row: dict[str, Any]) -> None:
        """Append one object and see it onto the disk.  Raises: DataError: it cannot be written."""
        try:
            line = json.dumps(row, ensure_ascii=False) + "\n"
            self._append(line.encode(errors="replace"))
        except OSError as error:
            raise DataError(f"the answer is not kept: {self.path}: {error.strerror}") from None
        self.rows.append(row)

    def _append(self, line: bytes) -> None:
        with self.path.open("ab", buffering=0) as file:
            begun = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(ENOSPC, os.strerror(ENOSPC))
                os.fsync(file.fileno())
            except OSError:  # what is there of the line must not spoil the next one
                file.truncate(begun)
                raise

    def _read(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        whole, newline, last = self.path.read_bytes().rpartition(b"\n")
        text = (whole + newline).decode("utf-8-sig") + last.decode(errors="replace")
        rows, _ = json_lines(text, str(self.path))
        for place, row in rows:
            missing = [name for name in columns if name not in row]
            if missing:
                raise DataError(
                    f"{place} has no field `{missing[0]}`; answers are appended to objects with "
                    f"{', '.join(columns)} alone"
                )
        return [dict(row) for _, row in rows]

    def _mend(self) -> None:
        whole, newline, last = self.path.read_bytes().rpartition(b"\n")
        if not last:
            return
        try:
            json.loads(last)
        except ValueError:
            os.truncate(self.path, len(whole) + len(newline))
        else:
            self._append(b"\n")


class Answers:
    """All that was said, of this day and of those before.

    Raises: DataError: the file is no `.jsonl`, holds something else, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() != SUFFIX:
            raise DataError(
                f"answers are kept as JSON lines: {path} should end in {SUFFIX}, by which "
                "`data=records` knows them"
            )
        self.path = path
        self.decided = JsonLines(path, PAIR, make=True)
        beside = path.with_suffix(f".undecided{SUFFIX}")
        self.undecided = JsonLines(beside, UNDECIDED, make=False)

    def add(self, row: dict[str, Any], *, decided: bool) -> None:
        """Keep one answer, with the moment."""
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        (self.decided if decided else self.undecided).add({**row, "time": moment})

    def counts(self, annotator: str) -> Counter[str]:
        """How often somebody was asked about each prompt, by `key`."""
        rows = (*self.decided.rows, *self.undecided.rows)
        return Counter(key(row["prompt"]) for row in rows if row.get("annotator") == annotator)

    @property
    def people(self) -> set[str]:
        """Everybody who said something and has a name."""
        rows = (*self.decided.rows, *self.undecided.rows)
        return {str(row["annotator"]) for row in rows if row.get("annotator")}

    @property
    def on_the_left(self) -> tuple[int, int]:
        """How often the left one was chosen, and of how many it is known."""
        sides = [row["side"] for row in self.decided.rows if row.get("side") in ("left", "right")]
        return sides.count("left"), len(sides)


def key(prompt: Turns) -> str:
    """A prompt as a text, by which prompts are the same or not."""
    return prompt if isinstance(prompt, str) else json.dumps(prompt, sort_keys=True)
