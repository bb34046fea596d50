"""`contrast generate RUN`: what an aligned model writes after a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import print_json
from contrast.cli.options import Json, Run
from contrast.errors import DataError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def generate(
    run: Run,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What to go on from.")],
    tokens: Annotated[int, typer.Option(help="Tokens at most.", min=1)] = 64,
    temperature: Annotated[float, typer.Option(help="0: the likeliest token.", min=0)] = 1.0,
    count: Annotated[int, typer.Option(help="How many responses.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    chat: Annotated[
        bool, typer.Option("--chat", help="A user's message, by the template.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write responses to a prompt with the model of a finished run of `alignment`."""
    written = written_by(Path(run), prompt, tokens, temperature, count, seed, chat=chat)
    if as_json:
        print_json(written)
        return
    typer.echo("\n\n".join(written))


def written_by(
    run: Path,
    prompt: str,
    tokens: int,
    temperature: float,
    count: int,
    seed: int,
    *,
    chat: bool = False,
) -> list[str]:
    """Responses of the model in `run/model`, without the prompt.

    With `chat` the prompt is the message of a user, written out by the model's chat template.
    Raises: DataError: the run has no such folder, the prompt is empty, there is no template, or the
    model does not read so many tokens.
    """
    folder = run / "model"
    if not (folder / "config.json").is_file():
        raise DataError(
            f"{run} holds no language model (model/config.json): give a finished run of `alignment`"
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from contrast.engine.randomness import generator
    from contrast_alignment.models import without_progress
    from contrast_alignment.sampling import sample
    from contrast_alignment.tokens import as_messages, continuation, opening

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with without_progress():
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        ).eval()
    if not prompt:
        raise DataError("the prompt is empty: give a text of one token at least to `--prompt`")
    asked = as_messages(prompt, "user") if chat else prompt
    ids = opening(tokenizer, asked)
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions and len(ids) + tokens > positions:
        raise DataError(
            f"the model reads {positions} tokens; the prompt has {len(ids)}, and `--tokens` asks "
            f"for {tokens} more"
        )
    responses = sample(
        model,
        [ids] * count,
        tokens=tokens,
        temperature=temperature,
        end=tokenizer.eos_token_id,
        generator=generator(seed),
    )
    return [continuation(tokenizer, ids, each) for each in responses]
