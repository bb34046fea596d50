"""Answers on the disk: one line a click, appended and synced before the next question is shown."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from contrast.errors import DataError
from contrast_sirl.answers import PEOPLE, read_lines


class AnswerLog:
    """A CSV file that only grows.

    A last line that a crash cut off is taken away when the file is opened, so that what is appended
    begins a line of its own; nothing else is ever changed.
    Raises: DataError: the file has other columns, a broken line, or cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, (*columns, *PEOPLE)
        try:
            if path.exists() and path.stat().st_size:
                self._check(columns)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._append(",".join(self.columns))
        except OSError as error:
            raise DataError(f"cannot keep answers in {path}: {error}") from None

    def add(self, *values: str, annotator: str) -> None:
        """Append one answer and see it onto the disk."""
        line = io.StringIO()
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        named = " ".join(annotator.split())
        csv.writer(line, lineterminator="").writerow([*values, named, moment])
        self._append(line.getvalue())

    def _append(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _check(self, columns: Sequence[str]) -> None:
        read_lines(self.path, columns)
        head, *_ = self.path.read_text(encoding="utf-8-sig").splitlines()
        if tuple(name.strip() for name in head.split(",")) != self.columns:
            raise DataError(
                f"{self.path} has the columns {head}; answers are appended to "
                f"{','.join(self.columns)} alone"
            )
        self._mend()

    def _mend(self) -> None:
        content = self.path.read_bytes()
        if content.endswith(b"\n"):
            return
        whole, _, last = content.rpartition(b"\n")
        fields = next(csv.reader([last.decode("utf-8", errors="replace")]), [])
        if len(fields) == len(self.columns):
            self._append("")
        else:
            with self.path.open("r+b") as file:
                file.truncate(len(whole) + 1)
