"""`contrast teach WHAT`, also `contrast-robot-teacher WHAT`; mistakes come before the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port
from contrast.errors import DataError

if TYPE_CHECKING:
    from contrast_sirl.trajectories import Trajectories

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
GRIDROBOT = "gridrobot"


@app.command()
def teach(
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help="`gridrobot`, or your trajectories."),
    ],
    answers: Annotated[Path, typer.Option(help="CSV to which answers are appended.")] = Path(
        "answers.csv"
    ),
    preferences: Annotated[Path, typer.Option(help="CSV of preferences, likewise.")] = Path(
        "pairs.csv"
    ),
    media: Annotated[
        Path | None, typer.Option(help="Folder of pictures or films, named by trajectory.")
    ] = None,
    draw: Annotated[
        str, typer.Option(metavar="A,B", help="The two numbers of a state that are drawn.")
    ] = "",
    port: Port = 7860,
) -> None:
    """Teach a robot in the browser: which behaviour is unlike the others, which is better."""
    data = open_trajectories(what, draw)
    from contrast_robot_teacher.learner import Learner

    films = _films(media, data)
    learner = Learner(data, answers, preferences).start()
    for note in (*data.notes, *learner.notes):
        say(note)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_robot_teacher.cards import Cards
    from contrast_robot_teacher.page import make_page, page_style

    address = serve(make_page(Cards(learner, films), Path(what).name), port=port, css=page_style())
    say(f"robot teacher: {address}   (Ctrl-C ends it; answers are kept in {answers})")
    wait_for_interrupt()


def open_trajectories(what: str, draw: str = "") -> Trajectories:
    """GridRobot's trajectories, or those of a file or folder; three at least.

    Raises: DataError: there are none, or fewer than three.
    """
    from contrast.engine.randomness import generator
    from contrast_sirl.data import gridrobot
    from contrast_sirl.own import trajectories
    from contrast_sirl.trajectories import FEWEST

    draws = generator("robot teacher")
    if what == GRIDROBOT:
        return gridrobot(generator=draws, features="paper4", held_out=0.0, scale_by="all")
    none = {"answers": "", "preferences": "", "features": "", "held_out": 0.0}
    names = tuple(name.strip() for name in draw.split(",") if name.strip())
    data = trajectories(generator=draws, path=what, draw=names, **none)
    if len(data) < FEWEST:
        raise DataError(f"{what} holds {len(data)} trajectories; a question shows {FEWEST}")
    return data


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-robot-teacher")


def _films(media: Path | None, data: Trajectories) -> dict[int | str, Path]:
    from contrast_sirl.own import known_media

    if media is None:
        return {}
    if not media.is_dir():
        raise DataError(f"{media} is no folder")
    found = known_media(media, data.ids)
    say(f"{len(found)} of {len(data)} trajectories have a picture or film in {media}")
    return found
