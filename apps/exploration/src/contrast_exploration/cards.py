"""The written side of the page: a plan with its grids, a step and state, and an episode."""

from __future__ import annotations

import numpy as np
from jinja2 import Environment, PackageLoader

from contrast_exploration.episode import Episode
from contrast_exploration.grids import Place, grid_picture, grids_of, least_width
from contrast_exploration.journey import Journey

CURVE = (600, 90)  # width and height of the regret's curve, before the page stretches it


def plan_card(journey: Journey, place: int) -> str:
    """The iteration, what its policy is worth, and regret with a mark at this moment."""
    frame = journey.frame(place)
    worth = journey.process.value(frame.plan.policy)
    return _render(
        "plan.html.jinja",
        journey=journey,
        frame=frame,
        worth=worth,
        summed=float(journey.regret[: frame.step].sum()),
        points=_curve(journey),
        mark=CURVE[0] * frame.step / len(journey.regret),
        size=CURVE,
    )


def grid_cards(journey: Journey, place: int, chosen: Place, episode: Episode | None) -> str:
    """Visits, bonus and values by step and state."""
    grids = grids_of(journey, journey.frame(place))
    drawn = [(grid, grid_picture(journey, grid, chosen, episode)) for grid in grids]
    return _render("grids.html.jinja", journey=journey, drawn=drawn, least=least_width(journey))


def cell_card(journey: Journey, place: int, chosen: Place) -> str:
    """The actions of one step and state: what is played, seen, hoped, believed and true."""
    frame, (step, state) = journey.frame(place), chosen
    here = {
        "chance": frame.plan.policy,
        "visits": frame.visits,
        "bonus": frame.plan.bonus,
        "upper": frame.plan.upper,
        "lower": frame.plan.lower,
        "worth": frame.worth,
    }
    rows = [
        {"name": journey.action(a), **{key: float(of[step, state, a]) for key, of in here.items()}}
        for a in range(journey.process.actions)
    ]
    return _render(
        "cell.html.jinja",
        journey=journey,
        step=step,
        state=journey.state(state),
        met=float(frame.met[step, state]),
        rows=rows,
        reward=journey.process.rewards[step, state],
    )


def episode_card(journey: Journey, episode: Episode | None) -> str:
    """What was done so far, what it earned, and the environment's own picture where it has one."""
    picture = journey.screen.picture(episode.state) if journey.screen and episode else ""
    return _render("episode.html.jinja", journey=journey, episode=episode, picture=picture)


def _curve(journey: Journey) -> str:
    """Regret summed up, as points of a polyline."""
    width, height = CURVE
    summed = np.append(0.0, journey.regret.cumsum())
    knots = np.unique(np.linspace(0, len(summed) - 1, width // 2).astype(int))
    most = summed[-1] or 1.0
    return " ".join(
        f"{width * k / (len(summed) - 1):.1f},{height - 2 - (height - 4) * summed[k] / most:.1f}"
        for k in knots
    )


def _render(name: str, **held: object) -> str:
    pages = Environment(
        loader=PackageLoader("contrast_exploration", "."), autoescape=True, trim_blocks=True
    )
    return pages.get_template(name).render(**held)
