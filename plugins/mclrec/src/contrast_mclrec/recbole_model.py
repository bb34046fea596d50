"""Any sequential model of RecBole as an encoder: its network, its loss, its scores; our loop.

RecBole's own data, trainer and configuration stay out of it: a model asks only for named settings
and for the number of items, so that neither ray nor names that numpy dropped are touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from contrast.errors import ConfigError, did_you_mean, listing
from contrast_mclrec.form import OwnLoss
from contrast_mclrec.sampler import Batch

FIELDS = {
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "ITEM_LIST_LENGTH_FIELD": "item_length",
    "LIST_SUFFIX": "_list",
    "NEG_PREFIX": "neg_",
}
PACKAGE = "recbole.model.sequential_recommender"


class RecboleModel(nn.Module):
    """A sequential model of RecBole by name, its defaults changed by `options`; gives `OwnLoss`.

    The model sees histories, their lengths and what followed. One that asks for more (features of
    items, masked histories, a trained file) is refused by the name of what it asks for.
    Raises: ConfigError: RecBole is not installed, or the model is unknown or asks for more.
    """

    def __init__(
        self,
        *,
        items: int,
        max_length: int,
        catalogue: int,
        model: str = "GRU4Rec",
        options: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.items, self.max_length, self.name = items, max_length, model
        kind = find_model(model)
        settings = Options(
            {**defaults(model), **FIELDS, "MAX_ITEM_LIST_LENGTH": max_length, "device": "cpu"}
        )
        settings |= chosen(options, settings, model)
        settings["loss_type"] = settings["loss_type"] or "CE"
        try:
            self.model = kind(settings, Sizes(items + 1))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"RecBole's `{model}` asks for more than histories: {error}\n"
                "Some that do not: `GRU4Rec`, `NARM`, `SASRec`, `STAMP`."
            ) from error
        self.register_buffer("catalogue", torch.tensor(catalogue))

    def forward(self, batch: Batch) -> OwnLoss:
        """The model's loss on a batch."""
        asked = self.interaction(batch)
        loss = self._ask(self.model.calculate_loss, asked)
        return OwnLoss(batch.targets, sum(loss) if isinstance(loss, tuple) else loss)

    def scores(self, batch: Batch) -> Iterator[Tensor]:
        """The scores of all items for each history, (B, I), item 1 first."""
        found = self._ask(self.model.full_sort_predict, self.interaction(batch))
        yield found.view(len(batch.users), -1)[:, 1 : self.items + 1]

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The model's state of each history where it has one, else its scores."""
        asked = self.interaction(batch)
        if list(signature(self.model.forward).parameters) == ["item_seq", "item_seq_len"]:
            return {"z": self.model(asked["item_id_list"], asked["item_length"])}
        return {"scores": torch.cat(list(self.scores(batch)))}

    def interaction(self, batch: Batch) -> dict[str, Tensor]:
        """A batch as RecBole names it, histories padded at the end to `max_length`."""
        items, lengths = batch.rows.padded()
        items = nn.functional.pad(items, (0, self.max_length - items.shape[1]))
        names = ("user_id", "item_id_list", "item_length", "item_id")
        return dict(zip(names, (batch.users, items, lengths, batch.targets), strict=True))

    def _ask(self, method: Any, asked: dict[str, Tensor]) -> Tensor:
        try:
            return method(asked)
        except KeyError as error:
            raise ConfigError(
                f"RecBole's `{self.name}` asks for `{error.args[0]}`, which the adapter does not "
                "give; use a model that learns from histories alone, such as `GRU4Rec`"
            ) from error


class Own(nn.Module):
    """The loss that the model brought, as an objective."""

    def forward(self, form: OwnLoss) -> Tensor:
        """A scalar."""
        return form.loss


class Options(dict):
    """Settings as RecBole reads them: an absent one is None."""

    def __missing__(self, name: str) -> None:
        return None


class Sizes:
    """What a model asks a data set: how many ids a field has."""

    def __init__(self, items: int) -> None:
        self.items = items

    def num(self, field: str) -> int:
        """The number of items, padding included; models of histories ask for no other."""
        return self.items


def find_model(name: str) -> type[nn.Module]:
    """The class of that name.

    Raises: ConfigError: RecBole is absent, or has no such sequential model.
    """
    if find_spec("recbole") is None:
        raise ConfigError(
            "`method=recbole` needs the package recbole (Python below 3.12):\n"
            "    pip install 'contrast-mclrec[recbole]'"
        )
    package = _models()
    known = sorted(
        key
        for key, value in vars(package).items()
        if isinstance(value, type) and value.__module__.startswith(PACKAGE)
    )
    if name not in known:
        raise ConfigError(
            f"RecBole has no sequential model `{name}`{did_you_mean(name, known)}\n"
            f"It has {listing(known)}."
        )
    logging.getLogger("recbole").setLevel(logging.WARNING)
    return getattr(package, name)


def _models() -> ModuleType:
    """RecBole's sequential models; one of their files turns anomaly detection on for everybody."""
    before = torch.is_anomaly_enabled()
    package = import_module(PACKAGE)
    torch.autograd.set_detect_anomaly(before)
    return package


def defaults(model: str) -> dict[str, Any]:
    """RecBole's own settings of a model, read from its package."""
    folder = Path(find_spec("recbole").submodule_search_locations[0], "properties")
    found: dict[str, Any] = {}
    for path in (folder / "overall.yaml", folder / "model" / f"{model}.yaml"):
        if path.is_file():
            found |= yaml.safe_load(path.read_text()) or {}
    return {name: number(value) for name, value in found.items()}


def number(value: Any) -> Any:
    """The value; `1e-12`, which YAML takes for text, as the number that RecBole reads."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def chosen(options: Sequence[str], known: dict[str, Any], model: str) -> dict[str, Any]:
    """The settings that the user changes.

    Raises: ConfigError: one is not of the form name=value, or the model has no such setting.
    """
    found = {}
    for word in options:
        name, sign, value = word.partition("=")
        if not sign or name not in known:
            near = "" if name in known else did_you_mean(name, known)
            raise ConfigError(
                "`encoder.options` takes name=value with a setting of "
                f"`{model}`, got `{word}`{near}"
            )
        found[name] = number(yaml.safe_load(value))
    return found
