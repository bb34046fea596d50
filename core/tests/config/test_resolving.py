"""From layers to a run's configuration: defaults, presets, files, words; and every mistake."""

import json
import subprocess
import sys

import pytest

from contrast.config import resolve, restore
from contrast.errors import ConfigError, PluginError


@pytest.fixture
def config(gallery):
    def resolved(*words, **options):
        return resolve("gallery", words, **options).config

    return resolved


@pytest.fixture
def refused(gallery):
    def message(*words, **options):
        with pytest.raises(ConfigError) as caught:
            resolve("gallery", words, **options)
        text = str(caught.value)
        assert len(text.splitlines()) <= 3
        return text

    return message


def origins(resolved):
    return {entry.key: (entry.value, entry.origin) for entry in resolved.entries}


def test_without_words_every_value_is_a_default(gallery):
    resolved = resolve("gallery")
    assert resolved.config.chosen["data"].name == "small"
    assert resolved.config.trainers["train"].lr == 1e-3
    assert {e.origin for e in resolved.entries if e.key != "plugin"} == {"default"}


def test_layers_win_in_order_and_each_value_knows_its_origin(gallery, tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("data: big\nobjective: {weight: 5}\ntrainer: {lr: 0.5, max_epochs: 7}\n")
    found = origins(resolve("gallery", ["trainer.lr=0.75"], file=file))
    assert found["data"] == ("big", "file my.yaml")
    assert found["encoder"] == ("deep", "preset big")
    assert found["encoder.layers"] == (7, "preset big")
    assert found["encoder.width"] == (16, "default")
    assert found["objective.temperature"] == (0.2, "preset big")
    assert found["objective.weight"] == (5.0, "file my.yaml")
    assert found["trainer.max_epochs"] == (7, "file my.yaml")
    assert found["trainer.lr"] == (0.75, "command line")
    assert found["evaluation.restarts"] == (50, "preset big")


def test_every_kind_of_setting_is_read_by_its_type(config):
    data = config(
        "data.id=007", "data.path=yes", "data.sizes=3,4", "data.names=1e5", "data.shares=0.5,1",
        "data.limit=1e2", "data.rate=1e-1", "data.shuffle=on", "data.mode=exact",
    ).data  # fmt: skip
    assert (data.id, data.path, data.sizes, data.names) == ("007", "yes", (3, 4), ("1e5",))
    assert (data.shares, data.limit, data.rate) == ((0.5, 1.0), 100, 0.1)
    assert data.shuffle is True
    assert data.mode == "exact"


def test_files_are_read_by_type_as_words_are(config, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "data:\n  id: 007\n  path: null\n  limit: 100_000\n  sizes: [3]\n  rate: 1e-1\n"
    )
    data = config(file=file).data
    assert (data.id, data.path, data.limit, data.sizes, data.rate) == (
        "007",
        None,
        10**5,
        (3,),
        0.1,
    )


def test_a_method_is_chosen_by_name(config):
    assert config("method=two").recipe.name == "two"
    assert config().recipe.name == "one"


def test_a_preset_applies_only_to_the_part_it_names_and_what_is_dropped_is_said(gallery):
    resolved = resolve("gallery", ["data=big", "encoder=flat", "objective=infonce"])
    assert resolved.config.encoder.width == 4
    assert resolved.config.objective.temperature == 0.1
    assert resolved.notes == [
        "not used: encoder.layers=7 (preset big) belongs to encoder `deep`, and `flat` is chosen",
        "not used: objective.temperature=0.2, objective.weight=3.0 (preset big) belongs to "
        "objective `own`, and `infonce` is chosen",
    ]


def test_a_file_s_section_applies_only_to_the_part_it_names(gallery, tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("encoder: {name: deep, layers: 9}\n")
    assert resolve("gallery", file=file).config.encoder.layers == 9
    resolved = resolve("gallery", ["encoder=flat"], file=file)
    assert resolved.config.encoder.width == 4
    assert "encoder.layers=9 (file my.yaml)" in resolved.notes[0]


def test_trainer_keys_count_for_all_stages_or_for_one(config):
    trainers = config("method=two", "trainer.finish.lr=3", "trainer.lr=2").trainers
    assert (trainers["pretrain"].lr, trainers["finish"].lr) == (2.0, 3.0)


def test_a_later_layer_wins_over_an_earlier_one_for_a_single_stage(config):
    preset = config("method=two", "data=big").trainers
    assert (preset["pretrain"].lr, preset["finish"].lr) == (0.25, 0.75)
    both = config("method=two", "data=big", "trainer.lr=1").trainers
    assert (both["pretrain"].lr, both["finish"].lr) == (1.0, 1.0)


def test_stages_that_agree_are_listed_once(gallery):
    found = origins(resolve("gallery", ["method=two", "data=big"]))
    assert found["trainer.max_epochs"] == (100, "default")
    assert found["trainer.pretrain.lr"] == (0.25, "preset big")
    assert found["trainer.finish.lr"] == (0.75, "preset big")
    assert "trainer.lr" not in found


@pytest.mark.parametrize(
    ("word", "section", "name", "value"),
    [
        ("data.limit=${trainer.max_epochs}", "data", "limit", 100),
        ("data.path=${data.name}/${seed}", "data", "path", "small/0"),
        ("data.shares=${data.sizes}", "data", "shares", (1.0, 2.0)),
        (r"data.path=\${kept}", "data", "path", "${kept}"),
        ("data.path=${encoder.name}", "data", "path", "flat"),
    ],
)
def test_references_are_followed(config, word, section, name, value):
    assert getattr(getattr(config(word), section), name) == value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["objective.temprature=1"],
            "unknown key `temprature` for objective `own` of plugin `gallery`; did you mean "
            "`temperature`?  See `contrast info gallery`.",
        ),
        (["objective=infonce", "objective.weight=1"], "for objective `infonce` of plugin"),
        (["temperature=1"], "did you mean `objective.temperature`?"),
        (["sed=1"], "unknown key `sed` for plugin `gallery`; did you mean `seed`?"),
        (["zzz=1"], "It has `seed`, `reference`."),
        (["objectve.weight=1"], "unknown section in `objectve.weight`"),
        (["method=two", "trainer.finsh.lr=1"], "did you mean `trainer.finish`?"),
        (["trainer.first.lr=1"], "There are: `train`."),
        (["data=bigg"], "unknown data `bigg` for plugin `gallery`; did you mean `big`?"),
        (["method=tow"], "unknown method `tow` of plugin `gallery`; did you mean `two`?"),
        (["objective=inonce"], "did you mean `infonce`?\nChoices: `own`, `infonce`, "),
        (["plugin=other"], "`plugin=other` (command line) does not agree"),
        (["seed=1.5"], "`seed` must be a whole number, got `1.5` (command line)"),
        (["seed=-1"], "`seed` must be >= 0, got -1 (command line)"),
        (["seed=0,1"], "A comma sweeps over values under `--multirun`."),
        (["reference=both"], "`reference` must be one of paper, official, got `both`"),
        (["reference=official"], "`one` does not follow `reference=official` (command line)"),
        (["data.mode=slow"], "`data.mode` must be one of fast, exact, got `slow`"),
        (["data.rate=nan"], "`data.rate` must be finite and > 0 and < 1, got nan (command line)"),
        (["trainer.weight_decay=inf"], "`trainer.weight_decay` must be finite and >= 0, got inf"),
        (["data.rate=much"], "`data.rate` must be a number, got `much` (command line)"),
        (["data.shuffle=maybe"], "`data.shuffle` must be true or false, got `maybe`"),
        (["data.sizes=1,x"], "`data.sizes` must be a list, each a whole number, got `1,x`"),
        (["data.sizes=0"], "`data.sizes` must be >= 1, got 0 (command line)"),
        (
            ["data=big", "data.low=11"],
            "`data.low` must not be above `data.high` (command line, default)",
        ),
        (["trainer.lr=0"], "`trainer.lr` must be > 0 and <= 1e+30, got 0.0 (command line)"),
        (["data.path=${data.pth}"], "is no key of this run; did you mean `data.path`?"),
        (["data.path=${data.id", "seed=1"], "is a malformed reference"),
        (["data.path=${oc.env:HOME}"], "calls a function"),
        (["data.path=${data.id}", "data.id=${data.path}"], "refers to itself in a circle"),
        (["data.path=${encoder}"], "refers to a section"),
        (["data.sizes=${data.id}"], "`data.sizes` must be a list, each a whole number, got `one`"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(refused, words, said):
    assert said in refused(*words)


def test_a_mistake_in_a_file_names_the_file(refused, tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("data:\n  rate: 7\n")
    assert refused(file=file) == "`data.rate` must be > 0 and < 1, got 7.0 (file my.yaml)"
    file.write_text("data: [a, b]\n")
    assert "unknown data `['a', 'b']`" in refused(file=file)
    file.write_text("plugin: other\n")
    assert "`plugin=other` (file my.yaml)" in refused(file=file)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["objective=listwise"], "it reads Lists, and the encoder gives Views"),
        (["objective=tokenwise"], "it reads Tokens, and the encoder gives Views"),
        (["objective=supervised"], "it needs `labels`, which the recipe does not provide"),
        (["method=two", "objective=remembering"], "the recipe contrasts 2 times a step"),
        (["method=two", "objective=infonce"], "it needs `two_views`"),
    ],
)
def test_an_objective_that_does_not_fit_is_refused_with_those_that_do(refused, words, said):
    message = refused(*words)
    assert said in message
    assert "Objectives that fit: `own`" in message


def test_an_objective_with_a_state_per_sample_serves_one_contrast_a_step(config):
    assert config("objective=remembering").chosen["objective"].name == "remembering"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["data=big", "objective=infonce", "trainer.lr=0.1", "seed=5"],
        ["method=two", "data=big", "trainer.finish.max_epochs=3", "reference=paper"],
        ["data.shares=0.1,2e-8", "data.path=null", "data.names=[]", r"data.id=\${x}"],
    ],
)
def test_a_restored_configuration_is_the_same(gallery, words):
    resolved = resolve("gallery", words)
    again = restore(json.loads(json.dumps(resolved.to_json())))
    assert again.config == resolved.config
    assert again.entries == resolved.entries
    assert again.notes == []


def test_restoring_applies_no_preset_again(gallery):
    entries = resolve("gallery", ["data=big"]).to_json()
    for entry in entries:
        if entry["key"] == "trainer.lr":
            entry["value"] = 0.125
    assert restore(entries).config.trainers["train"].lr == 0.125


def test_a_key_that_no_longer_exists_is_told_with_the_version(gallery):
    entries = [*resolve("gallery").to_json(), {"key": "objective.alpha", "value": 1, "origin": "x"}]
    with pytest.raises(ConfigError, match="unknown key `alpha`") as caught:
        restore(entries)
    assert "gallery 1.0 does not: install the version that run.json names" in str(caught.value)


def test_a_key_that_is_new_takes_its_default_and_says_so(gallery):
    entries = [e for e in resolve("gallery").to_json() if e["key"] != "objective.weight"]
    again = restore(entries)
    assert again.config.objective.weight == 1.0
    assert again.notes == ["`objective.weight` is new since the run was made; its default is used"]


def test_a_damaged_record_is_told(gallery):
    entries = [e for e in resolve("gallery").to_json() if e["key"] != "encoder"]
    with pytest.raises(ConfigError, match="no entry `encoder`; it is damaged or foreign"):
        restore(entries)


def test_a_plugin_with_a_setting_that_cannot_be_read_is_named(site):
    site.install_gallery()
    code = (site.path / "gallery.py").read_text().replace("id: str = ", "id: dict = ")
    site.install("odd", code.replace("gallery:no", "odd:no"))
    with pytest.raises(PluginError, match=r"`id` of odd.Small needs a default and a type"):
        resolve("odd")


def test_a_plugin_without_recipes_cannot_be_run(site):
    site.install("shelf", "import contrast\n")
    with pytest.raises(PluginError, match="brings objectives, but no recipe"):
        resolve("shelf")


def test_resolving_leaves_heavy_libraries_out(site, tmp_path):
    site.install_gallery()
    file = tmp_path / "my.yaml"
    file.write_text("data.path: ${data.id}\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from contrast.config import resolve\n"
        "resolve('gallery', ['seed=3'], file=Path(sys.argv[2]))\n"
        "print(*{'torch', 'numpy', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(site.path), str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
