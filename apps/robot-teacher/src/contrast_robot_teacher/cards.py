"""The page's pieces as HTML: behaviours to click on, progress, and the learnt reward."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from mimetypes import guess_type
from pathlib import Path

from torch import Tensor

from contrast_robot_teacher.learner import RECENT, Learner
from contrast_sirl import pictures

SHOWN = 3
FILMS = (".mp4", ".webm")


class Cards:
    """Draws the trajectories of a data set, or shows the picture or film that each brings."""

    def __init__(self, learner: Learner, media: dict[int | str, Path]) -> None:
        self.learner, self.media = learner, media
        self.stage = pictures.Stage(learner.data.scene, learner.data.mask)

    def question(self, rows: list[int]) -> str:
        """Three behaviours; a click says which is unlike the others."""
        return self._choices(rows, "This one is unlike the others")

    def pair(self, rows: list[int]) -> str:
        """Two behaviours; a click says which is better."""
        return self._choices(rows, "This one is better")

    def progress(self) -> str:
        """How much was answered, and how often the robot would have answered so itself."""
        learner = self.learner
        people = {name for name in learner.answered.annotators if name}
        said = f"{len(learner.answered)} answers"
        said += f" of {len(people)} people" if len(people) > 1 else ""
        said += f", {len(learner.preferred)} preferences."
        recent = learner.guesses[-RECENT:]
        if recent:
            said += f" Of the last {len(recent)} answers the robot expected {sum(recent)}; it asks"
            said += " what it knows least, and a third is chance."
        elif learner.z is None:
            said += " The first questions are random."
        notes = "".join(f"<p class='quiet'>{escape(note)}</p>" for note in learner.notes)
        return f"<p id='told' data-answers='{len(learner.answered)}'>{said}</p>{notes}"

    def reward(self) -> str:
        """The reward by place, and what it likes best and least."""
        rewards = self.learner.rewards()
        if rewards is None:
            return "<p class='quiet'>The reward appears after the first preference.</p>"
        order = rewards.argsort(descending=True).tolist()
        count = len(self.learner.preferred)
        return (
            f"<div class='map' data-preferences='{count}'>{self._map(rewards)}</div>"
            "<p class='quiet'>Mean reward of the behaviours that pass a place; the stronger, "
            f"the better.</p><h3>Liked best</h3>{self._small(order[:SHOWN], 2)}"
            f"<h3>Liked least</h3>{self._small(order[-SHOWN:][::-1], 1)}"
        )

    def _map(self, rewards: Tensor) -> str:
        return pictures.reward_map(self.stage, rewards.numpy())

    def _small(self, rows: list[int], colour: int) -> str:
        drawn = (pictures.one(self.stage, row, pictures.series(colour)) for row in rows)
        return f"<div class='small'>{''.join(drawn)}</div>"

    def _choices(self, rows: list[int], label: str) -> str:
        cards = "".join(
            f"<button data-row='{row}' aria-label='{label}: {place}'>{self._look(row)}"
            f"<span>{escape(self.stage.caption(row))}</span><strong>{label}</strong></button>"
            for place, row in enumerate(rows, start=1)
        )
        return f"<div class='choices'>{cards}</div>"

    def _look(self, row: int) -> str:
        file = self.media.get(self.learner.data.ids[row])
        if file is None:
            return pictures.one(self.stage, row)
        kind = guess_type(file.name)[0] or "application/octet-stream"
        source = f"data:{kind};base64,{b64encode(file.read_bytes()).decode()}"
        if file.suffix.lower() in FILMS:
            return f"<video src='{source}' autoplay loop muted playsinline></video>"
        return f"<img src='{source}' alt='behaviour {escape(str(self.learner.data.ids[row]))}'>"
