"""The one stage: both encoders together, then probes of both spaces. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage


class SeparateStage(Stage):
    """Learns the common and the salient space at once."""

    name = "separate"

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """The shape of a sample, what kind it is, and how many there are to learn from."""
        return {"shape": tuple(data.x.shape[1:]), "kind": data.kind, "samples": len(data.train)}

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The pair of encoders, and the objective that knows their widths."""
        encoder = config.build_sized("encoder", sizes)
        widths = {name: getattr(config.encoder, name) for name in ("common_width", "salient_width")}
        return encoder, config.build_sized("objective", sizes | widths)

    def step(self, batch: Any, work: Work) -> None:
        """The plain step; the time that the views take is counted apart."""
        with work.timed("views"):
            batch = replace(batch, views=work.parts.encoder.draw_views(batch))
        work.descend(work.contrast(work.encode(batch)))

    def evaluate(self, parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
        """What each space knows of every factor, with pictures."""
        from contrast_sepclr.evaluate import evaluate

        return evaluate(parts, config)

    def validate(self, parts: Parts, config: RunConfig, at: Moment) -> dict[str, float | None]:
        """The numbers without the pictures."""
        from contrast_sepclr.evaluate import measure

        return measure(parts, config).metrics
