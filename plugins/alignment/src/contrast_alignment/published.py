"""Published preferences: dialogues of people who try to get bad advice, with two replies each.

`hh_harmless` is cut from the test file of the "harmless" part of hh-rlhf (arXiv:2204.05862, MIT,
(c) 2022 Anthropic): 1,669 of its 2,312 pairs. Left out are those that part before the last turn,
have an empty reply, are longer than 2,000 characters, or matched a list of slurs and of sexual,
violent and group-identity words. Figures on it cannot be compared with published ones.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import Any

from torch import Generator

from contrast.data.checksum import file_sha256
from contrast.data.sources import Source, fetch, local_path
from contrast.errors import DataError
from contrast_alignment.preferences import Preferences, from_rows
from contrast_alignment.records import common_beginning
from contrast_alignment.rows import Row, json_lines

HH = Source(
    "preferences/hh-rlhf/harmless-base/test.jsonl.gz",
    "https://github.com/anthropics/hh-rlhf/raw/"
    "354e5c3cb8960630860dd5774a6ac2a58313bf4d/harmless-base/test.jsonl.gz",
    "ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03",
)
CUT = "preferences/hh_harmless_test_subset.jsonl"
CUT_SHA256 = "52f6fec15e4fa52b19a044ffdda57c49bb6ea44c62b2aab0d38aa903d873a6fb"
KEPT = int(  # bit n: line n of the original, from 0, is kept
    "b1a9caff65ffcffffcb759fe5fff3ff8f5b7c3f1bff4a78fbfb6edfaedecd0b5acdfcaf3fdfd937dabff466fce"
    "9fff75937fe7fe767ccfffd3ffe07ffc45fffd5bf667dda3f73bec53f77e9be7f6fffdeefbfff9731cf3ffe787"
    "7ffefbf29fe77c9d6ef79b6fa70fde3eeb5effbdaba7d79b7fdffb97f25dff9afb713b2f36a4f558dfc7bdff99"
    "ef7cdffddfbe7f2df6fbe7d7be5affed61f7fbf9cfefffbefcf7d7d3fffbdb5f4ffd8fd5ec1b1f1e679fe48f77"
    "9f3effd594eeff7ffffe9ef67f97cbf7def4fc97ffd4ffb7bbea4ff7fb6d3fbddc9eee3c67efef7f3a53d89daa"
    "fbdeff6f9adeff7ff4f9a315bdffbbd3e55a5eebdfb46fefdffe273fdff5a8ef7fffbf8ca5cb7efffb77ccb1d0"
    "df9fbe2ffceeffeebf7cfdaeb7d97fcddfdede",
    16,
)


def hh_harmless(generator: Generator, **settings: Any) -> Preferences:
    """The 1,669 pairs; what they are is known by checksum, however they were come by.

    Raises: DataError: neither file is at hand and there is no network; or they differ.
    """
    rows, _ = json_lines(dialogues(), "hh_harmless")
    return from_rows(rows, "hh_harmless", generator, **settings)


def dialogues() -> str:
    """The text of the file: the copy in `CONTRAST_DATA_DIR`, or cut from the original.

    Raises: DataError: see `hh_harmless`.
    """
    local = local_path(CUT)
    if local is not None:
        if file_sha256(local) != CUT_SHA256:
            raise DataError(f"{local} differs from the published pairs: replace or remove it")
        return local.read_text(encoding="utf-8")
    with gzip.open(fetch(HH), "rt", encoding="utf-8", newline="\n") as file:
        text = cut(file.read())
    if hashlib.sha256(text.encode()).hexdigest() != CUT_SHA256:
        raise DataError(f"what was cut from {HH.url} is not what was expected: please report this")
    return text


def cut(original: str) -> str:
    """The kept lines of the original, with the dialogue so far as the prompt."""
    rows, _ = json_lines(original, HH.name)
    kept = (_split(line, row) for line, row in enumerate(rows) if KEPT >> line & 1)
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in kept)


def _split(line: int, row: Row) -> dict[str, str]:
    prompt, chosen, rejected = common_beginning(row[1]["chosen"], row[1]["rejected"])
    return {
        "id": f"hh-harmless-test-{line}",
        "prompt": str(prompt),
        "chosen": str(chosen),
        "rejected": str(rejected),
    }
