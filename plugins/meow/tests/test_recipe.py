import subprocess
import sys
from dataclasses import fields

import pytest

from contrast.config import resolve
from contrast.errors import ConfigError
from contrast.interfaces import Moment
from contrast_meow.ada_recipe import ADAMEOW
from contrast_meow.recipe import (
    MEOW,
    HeteroSettings,
    MeowSettings,
    SamplerSettings,
    refuse_best_of_training,
)

HEAVY = ("torch", "numpy", "scipy", "pandas", "sklearn", "torch_geometric")


def test_recipe_is_imported_without_any_heavy_library():
    code = f"import sys, contrast_meow.plugin; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("recipe", [MEOW, ADAMEOW], ids=lambda recipe: recipe.name)
def test_every_preset_names_existing_settings(recipe):
    for name, preset in recipe.presets.items():
        assert name in {part.name for part in recipe.slots["data"]}
        for section, values in preset.items():
            known = {"trainer": recipe.trainer, "evaluation": recipe.evaluation}
            config = known.get(section) or recipe.slots[section][0].config
            assert set(values) <= {item.name for item in fields(config)}
            config(**values)


@pytest.mark.parametrize("recipe", [MEOW, ADAMEOW], ids=lambda recipe: recipe.name)
def test_defaults_are_those_of_the_default_data(recipe):
    preset = recipe.presets[recipe.slots["data"][0].name]
    for section, values in preset.items():
        known = {"trainer": recipe.trainer, "evaluation": recipe.evaluation}
        config = (known.get(section) or recipe.slots[section][0].config)()
        of_the_method = values.keys() - {"threads"}  # which speeds this graph alone
        assert {n: getattr(config, n) for n in of_the_method} == {
            n: values[n] for n in of_the_method
        }


def test_every_part_can_be_loaded():
    for parts in (*MEOW.slots.values(), *ADAMEOW.slots.values()):
        assert all(callable(part.load()) for part in parts)


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [
        (SamplerSettings, {"clusters": ()}, "sampler.clusters"),
        (SamplerSettings, {"edge_masks": (0.2, 1.0)}, "edge_masks"),
        (SamplerSettings, {"neighbours": (0,)}, "neighbours"),
        (MeowSettings, {"temperature": 0.0}, "temperature"),
        (MeowSettings, {"temperature": float("nan")}, "temperature"),
        (HeteroSettings, {"validation": 1.0}, "validation"),
    ],
)
def test_values_out_of_range_are_refused_before_any_work(config, values, message):
    with pytest.raises(ConfigError, match=message):
        config(**values)


def test_the_best_weights_beside_the_embedding_of_the_last_step_are_refused():
    words = ["method=adameow", "reference=official"]
    config = resolve("meow", words).config
    (stage,) = config.recipe.stages
    with pytest.raises(ConfigError, match=r"Set `trainer\.restore_best=false`"):
        refuse_best_of_training(config, stage)
    refuse_best_of_training(resolve("meow", [*words, "trainer.restore_best=false"]).config, stage)
    refuse_best_of_training(resolve("meow", words[:1]).config, stage)


def test_what_is_watched_has_no_value_before_the_first_validation():
    config = resolve("meow", ["method=adameow", "trainer.monitor=macro_f1/20"]).config
    (stage,) = config.recipe.stages
    found = stage.validate(None, config, Moment("train", 20, 20))
    assert found == {"macro_f1/20": None, "validation": None}
