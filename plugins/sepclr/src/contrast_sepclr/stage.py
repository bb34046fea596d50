"""The one stage: both encoders together, then probes of both spaces. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contrast.errors import ConfigError, listing
from contrast.interfaces import Evaluation, Moment, Parts, Work
from contrast.recipe import RunConfig, Stage


class SeparateStage(Stage):
    """Learns the common and the salient space at once."""

    name = "separate"

    def sizes(self, data: Any, sampler: Any) -> dict[str, Any]:
        """The shape of a sample, what kind it is, how many there are to learn from, and what is
        known of targets alone: names, and which of them are classes."""
        from contrast_sepclr.data import attributes_of

        attributes = attributes_of(data)
        return {
            "shape": tuple(data.x.shape[1:]),
            "kind": data.kind,
            "samples": len(data.train),
            "attributes": tuple(factor.name for factor in attributes),
            "categorical": tuple(k for k, factor in enumerate(attributes) if factor.classes),
        }

    def build_modules(self, config: RunConfig, sizes: dict[str, Any]) -> tuple[Any, Any]:
        """The pair of encoders, and the objective that knows their widths.

        Raises: ConfigError: attributes are needed, and there are none, or more than dimensions.
        """
        encoder = config.build_sized("encoder", sizes)
        if "attributes" in config.chosen["objective"].needs:
            _require_attributes(sizes["attributes"], config)
            encoder.clean_first = True
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


def _require_attributes(names: tuple[str, ...], config: RunConfig) -> None:
    objective, width = config.chosen["objective"].name, config.encoder.salient_width
    if not names:
        raise ConfigError(
            f"objective `{objective}` learns what is known of targets alone, and of "
            f"`data={config.chosen['data'].name}` nothing is\nIn a table these are "
            "`data.covariates` that no control has a value of; or set `objective=sepclr`."
        )
    if len(names) > width:
        raise ConfigError(
            f"objective `{objective}` needs a salient dimension for each of {listing(names)}, "
            f"there are {width}\nSet `encoder.salient_width={len(names)}` or more."
        )
