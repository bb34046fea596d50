"""`contrast recommend RUN`: the next items of somebody in the log, or of any history."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import output, print_json, say
from contrast.cli.options import Json, Run
from contrast.errors import ConfigError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def recommend(
    run: Run,
    user: Annotated[str, typer.Option(metavar="ID", help="Somebody in the log.")] = "",
    history: Annotated[
        str, typer.Option(metavar="ITEM,ITEM,...", help="Or any history, oldest item first.")
    ] = "",
    k: Annotated[int, typer.Option("--k", help="How many items.", min=1)] = 10,
    seen: Annotated[bool, typer.Option("--seen", help="Allow items of the history too.")] = False,
    items: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Or write all items' embeddings: .parquet or .npz."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Recommend next items with a trained run of `mclrec`; items of the history are left out."""
    if sum(map(bool, (user, history, items))) != 1:
        raise ConfigError("give one of `--user ID`, `--history ITEM,ITEM,...`, `--items FILE`")
    from contrast_mclrec.recommender import Recommender

    recommender = Recommender.load(run)
    if items:
        from contrast.data.tables import write_embeddings

        ids, z = recommender.item_embeddings()
        write_embeddings(items, ids, {"z": z})
        say(f"{len(ids)} items of {z.shape[1]}")
        typer.echo(items)
        return
    if user:
        found = recommender.recommend_user(user, k, exclude_seen=not seen)
    else:
        given = [item.strip() for item in history.split(",") if item.strip()]
        (found,) = recommender.recommend([given], k, exclude_seen=not seen)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    from rich.table import Table

    table = Table("", "item", "title", "score")
    for place, each in enumerate(found, start=1):
        table.add_row(str(place), each.item, each.title, f"{each.score:.3f}")
    output().print(table)
