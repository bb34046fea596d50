"""Tokenizers: trained on a text, or a model's own; and where a response begins in a conversation.

A conversation is written out whole, by the model's template, and tokenised once. A token belongs
to the response if it ends after the place where the response's text begins; tokenising prompt and
response apart would put other tokens at their border.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contrast.errors import DataError

END, PAD = "<end>", "<pad>"
Messages = list[dict[str, str]]
TEMPLATE = (  # of a tokenizer of our own: no token crosses the border of two turns
    "{% for message in messages %}{{ '\n' if not loop.first else '' }}"
    "{{ message['role'] }}:\n{{ message['content'] }}" + END + "{% endfor %}"
    "{{ '\nassistant:\n' if add_generation_prompt else '' }}"
)


def train_tokenizer(texts: Iterable[str], size: int) -> Any:
    """A byte-level tokenizer of so many tokens, as transformers saves and loads it.

    It has a plain template of its own for chat messages.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=core, eos_token=END, pad_token=PAD)
    made.chat_template = TEMPLATE
    return made


def usable(tokenizer: Any, source: str) -> Any:
    """The tokenizer, with the end as padding where it has none of its own.

    Raises: DataError: it has no end-of-sequence token, or gives no offsets.
    """
    if tokenizer.eos_token_id is None:
        raise DataError(
            f"the tokenizer of {source} has no end-of-sequence token, so that no response can end\n"
            "Set `eos_token` in its tokenizer_config.json."
        )
    if not tokenizer.is_fast:
        raise DataError(
            f"the tokenizer of {source} gives no offsets: it needs a tokenizer.json "
            "(a `fast` tokenizer), by which prompt and response are told apart"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def conversation(
    tokenizer: Any, prompt: str | Messages, response: str | Messages
) -> tuple[list[int], int]:
    """The tokens of a whole conversation, and the first one that is the response's.

    Texts are joined as they stand, and the end-of-sequence token is added; messages go through the
    chat template, which ends a turn by itself.
    Raises: DataError: messages and no chat template, or one that refuses them or rewrites the
    prompt.
    """
    if isinstance(prompt, str) and isinstance(response, str):
        ids, start = _cut(tokenizer, prompt, prompt + response, special=True)
        return ids if ids[-1:] == [tokenizer.eos_token_id] else [
            *ids,
            tokenizer.eos_token_id,
        ], start
    before, whole = templated(tokenizer, as_messages(prompt, "user"), as_messages(response))
    return _cut(tokenizer, before, whole, special=False)


def opening(tokenizer: Any, prompt: str | Messages) -> list[int]:
    """The tokens of a prompt that waits for a response; the end token where there is none."""
    if isinstance(prompt, str):
        ids = [i for i in tokenizer(prompt)["input_ids"] if i != tokenizer.eos_token_id]
    else:
        text = _template(tokenizer, prompt, add_generation_prompt=True)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids or [tokenizer.eos_token_id]


def continuation(tokenizer: Any, prompt: Sequence[int], response: Sequence[int]) -> str:
    """The text that a response adds to its prompt, without special tokens.

    Decoded alone, many a tokenizer leaves out the blank that a response begins with.
    """
    before, whole, alone = (
        tokenizer.decode(list(ids), skip_special_tokens=True)
        for ids in (prompt, [*prompt, *response], response)
    )
    return whole[len(before) :] if whole.startswith(before) else alone


def templated(tokenizer: Any, prompt: Messages, response: Messages) -> tuple[str, str]:
    """The prompt's text, and that of the whole conversation, which begins with it.

    Raises: DataError: it does not.
    """
    whole = _template(tokenizer, [*prompt, *response], add_generation_prompt=False)
    before = _template(tokenizer, prompt, add_generation_prompt=True)
    if not whole.startswith(before):
        raise DataError(
            "the chat template writes a prompt differently once it is answered, so that the "
            f"response cannot be found: {before[-60:]!r} does not begin the conversation"
        )
    return before, whole


def as_messages(text: str | Messages, role: str = "assistant") -> Messages:
    """A text as one message; messages as they are."""
    return [{"role": role, "content": text}] if isinstance(text, str) else text


def common_prefix(sequences: Sequence[Sequence[int]], most: int) -> int:
    """How many first tokens the sequences share, at most so many."""
    shared = 0
    for column in zip(*sequences, strict=False):
        if shared >= most or len(set(column)) > 1:
            break
        shared += 1
    return shared


def _template(tokenizer: Any, messages: Messages, *, add_generation_prompt: bool) -> str:
    if not tokenizer.chat_template:
        raise DataError(
            "there are chat messages, and the tokenizer has no chat template\n"
            "Give texts, or add a `chat_template` to the model's folder."
        )
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=add_generation_prompt
        )
    except TemplateError as refused:
        roles = ", ".join(each["role"] for each in messages)
        raise DataError(
            f"the model's chat template refuses a conversation of {roles}: {refused}"
        ) from None


def _cut(tokenizer: Any, before: str, whole: str, *, special: bool) -> tuple[list[int], int]:
    """The tokens of the whole text, and the first that ends after the text before."""
    found = tokenizer(whole, add_special_tokens=special, return_offsets_mapping=True)
    ids, ends = found["input_ids"], [end for _, end in found["offset_mapping"]]
    place = next((i for i, end in enumerate(ends) if end > len(before)), len(ids))
    return ids, place
