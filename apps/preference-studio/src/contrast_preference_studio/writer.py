"""A finished run of `alignment`, opened for writing: its model, and prompts held out from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contrast.config import restore
from contrast.engine.folder import RunFolder
from contrast.engine.placement import choose_device
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Moment
from contrast.recipe import RunConfig
from contrast.reporting.serving import check_finished
from contrast_alignment.models import without_progress
from contrast_alignment.preferences import Preferences
from contrast_alignment.records import Turns
from contrast_alignment.sampling import sample
from contrast_alignment.task import ASKED_TO_VALIDATE, openings, tokens_of
from contrast_alignment.texts import Texts
from contrast_alignment.tokens import continuation, opening
from contrast_preference_studio.answers import key

PLUGIN = "alignment"
WRITES = "ForCausalLM"  # how transformers names the classes of models that write
TRIES = 4  # pairs that are drawn before two responses pass for being always alike
LONGEST = 512  # tokens of a response


@dataclass(frozen=True)
class Response:
    """What the model wrote; `ended` says that it did so by itself."""

    text: str
    tokens: int
    ended: bool


class Writer:
    """One model, loaded once. `chat`: prompts are messages, and its template is applied."""

    def __init__(
        self,
        folder: Path,
        model: Any,
        tokenizer: Any,
        *,
        prompts: Sequence[Turns] = (),
        chat: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        self.folder, self.model, self.tokenizer = folder, model, tokenizer
        self.prompts, self.chat, self.notes = tuple(prompts), chat, tuple(notes)
        positions = getattr(model.config, "max_position_embeddings", None) or 2 * LONGEST
        self.positions, self.longest = positions, min(LONGEST, positions // 2)

    @property
    def name(self) -> str:
        """The run's."""
        return self.folder.resolve().name

    def asked(self, typed: str) -> Turns:
        """A typed text as this model is asked."""
        return [{"role": "user", "content": typed}] if self.chat else typed

    def answer(self, response: Response) -> Turns:
        """A response as it stands in records."""
        return [{"role": "assistant", "content": response.text}] if self.chat else response.text

    def pair(
        self, prompt: Turns, *, seed: int, turn: int, temperature: float, tokens: int
    ) -> tuple[Response, Response]:
        """Two responses that differ, always the same ones for the same words.

        `turn` counts the pairs of one prompt. A prompt that is too long is cut on the left.
        Raises: DataError: the model gives the same response again and again, or none.
        """
        ids = opening(self.tokenizer, prompt)[-(self.positions - tokens) :]
        draws = generator("preferences", seed, key(prompt), turn)
        found: list[Response] = []
        for _ in range(TRIES):
            found += self._written(ids, temperature, tokens, draws)
            different = {each.text: each for each in found if each.text.strip()}
            if len(different) > 1:
                first, second, *_ = different.values()
                return first, second
        raise DataError(
            f"{len(found)} responses to this prompt were all alike or empty: raise the "
            "temperature, allow more tokens, or skip it"
        )

    def _written(
        self, ids: list[int], temperature: float, tokens: int, draws: Any
    ) -> list[Response]:
        end = self.tokenizer.eos_token_id
        written = sample(
            self.model, [ids] * 2, tokens=tokens, temperature=temperature, end=end, generator=draws
        )
        return [
            Response(
                continuation(self.tokenizer, ids, each),
                len(each),
                each[-1] == end,
            )
            for each in written
        ]


def refuse_other_runs(folder: Path) -> None:
    """Raises: RunFolderError: it is no run folder, or the run is not finished;
    ConfigError: it is a run of another plugin, or its model does not write;
    DataError: its model is gone.
    """
    check_finished(folder, PLUGIN, "the preference studio")
    described = folder / "model" / "config.json"
    if not described.is_file():
        raise DataError(
            f"{folder} holds no model (model/config.json): it was moved, or comes from an older "
            f"version; write it again with `contrast eval {folder}`"
        )
    classes = json.loads(described.read_text()).get("architectures") or []
    if not any(name.endswith(WRITES) for name in classes):
        raise ConfigError(
            f"the model of {folder} is a {', '.join(classes) or 'model of no known class'} and "
            "writes nothing; the preference studio needs a run that trained a language model"
        )


def open_run(folder: Path) -> Writer:
    """The model of a run that `refuse_other_runs` lets pass, on the run's device.

    Where the data are gone the model still writes to typed prompts; `notes` says so.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = restore(RunFolder.open(folder).entries()).config
    found = folder / "model"
    tokenizer = AutoTokenizer.from_pretrained(found, local_files_only=True)
    with without_progress():
        model = AutoModelForCausalLM.from_pretrained(
            found, local_files_only=True, use_safetensors=True
        )
    model = model.eval().to(choose_device(config.trainers[config.recipe.stages[-1].name]))
    try:
        prompts, chat, notes = held_out_prompts(config, tokenizer)
    except DataError as gone:
        prompts, chat, notes = [], False, [f"No held-out prompts: {gone}"]
    return Writer(folder, model, tokenizer, prompts=prompts, chat=chat, notes=notes)


def held_out_prompts(config: RunConfig, tokenizer: Any) -> tuple[list[Turns], bool, list[str]]:
    """Prompts that the run was not trained on, whether they are messages, and notes.

    Of records those that were held out; of a text openings of its held-out part.
    """
    at = Moment(config.recipe.stages[0].name, 0, config.seed)
    source = config.build("data", generator=at.shared("data"))
    if isinstance(source, Preferences):
        records = {key(record.prompt): record.prompt for record in source.valid}
        chat = any(not isinstance(record.prompt, str) for record in source.train)
        return list(records.values()), chat, [] if records else ["The run held out no prompt."]
    if not isinstance(source, Texts):
        return [], False, ["The run's data hold no prompts."]
    tokens, asking = tokens_of(tokenizer, source.valid), source.asking
    count = max(int(asking.prompts * ASKED_TO_VALIDATE), 1)
    draws = generator("held-out prompts", config.seed)
    found = openings(tokens, asking.prompt_tokens, count, draws, "valid")
    texts = (tokenizer.decode(list(item.prompt), skip_special_tokens=True) for item in found)
    return [text for text in dict.fromkeys(texts) if text.strip()], False, []
