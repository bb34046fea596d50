"""Mistakes that users make, each with its setting and its command; and the page that shows them.

    python tests/mistakes.py      writes docs/mistakes.md anew from what is really printed

The page and the tests (`test_mistakes.py`) run the same commands in the same way.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mistake_places as places
import pytest
from mistake_places import Place

PAGE = Path(__file__).parents[1] / "docs/mistakes.md"
HOME = "/home/ada"  # what the page shows for the temporary folder
HEAD = """\
# What can go wrong

Every message on this page is what the program prints: a test makes each of these mistakes and
compares. A user's mistake ends with exit code 2, a run that failed with 1 (said where it applies);
neither shows a traceback. `toy` is the small plugin of `contrast.testing`, `graph` a folder with
papers, their authors and topics; `/home/ada` stands for the folder you work in.
"""


@dataclass(frozen=True)
class Mistake:
    """A command that goes wrong, or that works and has something to say.

    `prepare` sets the place up; `note` is a sentence for the page.
    """

    title: str
    command: str
    prepare: Callable[[Place], object] = lambda place: None
    code: int = 2
    note: str = ""

    @property
    def words(self) -> list[str]:
        """The arguments of `contrast`."""
        return shlex.split(self.command)


def make(mistake: Mistake, folder: Path) -> tuple[int, str]:
    """Make the mistake in a new folder: the exit code and what is said, with the folder's name
    replaced."""
    from contrast.cli import main

    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        place = Place(folder, patch)
        with contextlib.redirect_stderr(io.StringIO()):
            mistake.prepare(place)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _exit_code(main, mistake.words)
        for name in set(sys.modules) - before:
            if str(place.site) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
    said = err.getvalue().replace(str(folder.resolve()), HOME)
    return code, "\n".join(line for line in said.splitlines() if not _is_progress(line))


def _exit_code(main: Callable[[Sequence[str]], None], words: Sequence[str]) -> int:
    try:
        main(words)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _is_progress(line: str) -> bool:
    return "  step " in line or line.startswith(("run: ", "evaluating stage", "report: "))


OWN = "run plugin=meow data=hetero data.path=graph"
PATHS = f"{OWN} 'data.meta_paths=paper>author>paper,paper>topic>paper'"
FAST = "trainer.max_epochs=2 evaluation.probe_restarts=2 evaluation.baseline_restarts=0"
SMALL = "data.labelled=2 sampler.neighbours=5 sampler.clusters=3"

LOANS = "run plugin=mclrec data=interactions data.path=loans.csv"
LOG = f"{LOANS} data.user=who data.item=what data.time=when"
READERS = f"{LOG} {' '.join(places.SMALL_RECOMMENDER)}"
RECOMMEND = "recommend runs/mclrec-interactions-seed0"

MOVES = "run plugin=sirl data=trajectories data.path=moves.csv"
ASKED = f"{MOVES} data.answers=answers.csv trainer.max_steps=2"

HOUSES = "run plugin=supremix data=table data.path=houses.csv"
PRICES = f"{HOUSES} data.target=price {' '.join(places.SMALL_REGRESSION)}"
PREDICT = "predict runs/supremix-table-seed0 new.csv"

GAUGES = "run plugin=supremix data=images data.path=gauges data.target=bar"
SENTENCES = "run plugin=supremix data=texts data.path=pairs.csv data.target=score"
WAVES = "run plugin=supremix data=series data.target=pace"
RECORDED = f"{WAVES} data.path=waves.csv data.id=wave data.time=second"

PEOPLE = "run plugin=sepclr data=table data.path=people.csv data.group=diagnosis"
FOLDERS = "run plugin=sepclr data=folders data.background=healthy data.target=ill"
NEIGHBOURS = "neighbours runs/sepclr-table-seed0 new.csv"

EXPLORE = "run plugin=ucb"
LAKE = f"{EXPLORE} data=gymnasium"
DEEP = f"{EXPLORE} method=deep"

PREFER = "run plugin=alignment data=records data.path=pairs.jsonl"
SPEAK = f"{PREFER} {' '.join(places.SMALL_LANGUAGE)}"
SMALL_MODEL = f"{PREFER} encoder.model=small"
KEPT = "encoder.reference_model=cache encoder.reference_cache=kept.safetensors"
PAIR = {"prompt": "Name a sound.", "chosen": " Loud", "rejected": " Red"}
LIST = {"prompt": "Name a sound.", "responses": [" Loud", " Red"], "scores": [1, 0]}

RUN = "runs/toy-blobs-seed0"
POINTS = "run plugin=toy data=table data.path"

MISTAKES: dict[str, list[Mistake]] = {
    "Names": [
        Mistake("A plugin that does not exist", "run plugin=moew"),
        Mistake("No plugin at all", "run"),
        Mistake("A word that is no `key=value`", "run meow"),
        Mistake("A key with a typo", "run plugin=meow objective.temprature=0.5"),
        Mistake("A key without its section", "run plugin=meow temperature=0.5"),
        Mistake("A section that does not exist", "run plugin=meow objectve.temperature=0.5"),
        Mistake("A stage that does not exist", "run plugin=meow trainer.pretrain.lr=0.1"),
        Mistake("Data, and with it a preset, that do not exist", "run plugin=meow data=movielense"),
        Mistake("An objective that does not exist", "run plugin=meow objective=infonse"),
        Mistake("A method that does not exist", "run plugin=meow method=adamoew"),
        Mistake("A command that does not exist", "runn plugin=meow"),
        Mistake("A key given twice", "run plugin=meow seed=1 seed=2"),
        Mistake(
            "A key in a file with a typo",
            "run --config my.yaml",
            lambda place: place.write("my.yaml", "plugin: meow\nencoder:\n  widht: 32\n"),
            note="`my.yaml` holds `plugin: meow` and, under `encoder:`, `widht: 32`.",
        ),
        Mistake(
            "A file that is no YAML",
            "run --config my.yaml",
            lambda place: place.write("my.yaml", "plugin: meow\nseed: [1\n"),
        ),
        Mistake("A file that is not there", "run --config my.yaml"),
        Mistake(
            "A reference that leads nowhere",
            "run plugin=meow 'evaluation.probe_lr=${trainer.learning_rate}'",
        ),
    ],
    "Values": [
        Mistake("A text for a number", "run plugin=meow trainer.lr=fast"),
        Mistake("A fraction for a whole number", "run plugin=meow trainer.max_epochs=1.5"),
        Mistake("Neither true nor false", "run plugin=meow sampler.cache=maybe"),
        Mistake("Not one of the choices", "run plugin=meow trainer.optimizer=adamax"),
        Mistake("NaN", "run plugin=meow objective.temperature=nan"),
        Mistake("Infinity", "run plugin=meow trainer.lr=inf"),
        Mistake("A number out of its range", "run plugin=meow objective.temperature=0"),
        Mistake("One of a list out of its range", "run plugin=meow sampler.edge_masks=0.2,1.5"),
        Mistake("A comma without `--multirun`", "run plugin=meow seed=0,1,2"),
        Mistake("`--multirun` without a comma", "run plugin=meow seed=0 --multirun"),
        Mistake("A sweep over a list", "run plugin=meow sampler.clusters=100,100 --multirun"),
        Mistake("A reading that the method does not offer", "run plugin=toy reference=official"),
        Mistake(
            "A metric to watch that is never measured",
            "run plugin=meow trainer.monitor=macro_f1/20",
        ),
        Mistake(
            "An objective that does not fit the method",
            "run plugin=ranker objective=listwise",
            lambda place: place.install("ranker", places.RANKER),
        ),
    ],
    "Graphs": [
        Mistake("A folder that is not there", PATHS),
        Mistake(
            "A `.pt` file",
            "run plugin=meow data=hetero data.path=graph.pt data.meta_paths=paper>author>paper",
            lambda place: place.write("graph.pt"),
        ),
        Mistake("A graph that is damaged", PATHS, places.with_half_a_graph),
        Mistake("NaN among the features", PATHS, places.with_nan_in_the_file),
        Mistake("No meta-path", OWN, places.write_graph),
        Mistake(
            "No such relation",
            f"{OWN} 'data.meta_paths=paper>editor>paper'",
            places.write_graph,
        ),
        Mistake(
            "A short meta-path that could mean two",
            f"{OWN} 'data.meta_paths=paper>author>paper'",
            partial(places.write_graph, change=places.with_reviewers),
        ),
        Mistake(
            "A meta-path that does not return",
            f"{OWN} 'data.meta_paths=paper>author'",
            places.write_graph,
        ),
        Mistake(
            "A meta-path that is not the same backwards",
            f"{OWN} 'data.meta_paths=paper>rev_wrote>author>reviewed>paper'",
            partial(places.write_graph, change=places.with_other_reviewers),
        ),
        Mistake(
            "A target that does not exist",
            f"{PATHS} data.target=papers",
            places.write_graph,
        ),
        Mistake(
            "Not one value a meta-path",
            f"{PATHS} sampler.edge_masks=0.2,0.3,0.4",
            places.write_graph,
        ),
        Mistake(
            "More neighbours and clusters than nodes",
            f"{PATHS} data.labelled=2 {FAST}",
            places.write_graph,
            code=0,
            note="The run works, and says what it has cut down.",
        ),
        Mistake(
            "Isolated nodes",
            f"{PATHS} {SMALL} {FAST}",
            partial(places.write_graph, change=places.with_isolated),
            code=0,
            note="The run works, and says how many.",
        ),
        Mistake(
            "Too few labels for a split",
            f"{PATHS} sampler.neighbours=5 sampler.clusters=3 data.labelled=2,20 {FAST}",
            places.write_graph,
            code=0,
            note="The run works with the splits that can be drawn.",
        ),
        Mistake(
            "One class only",
            f"{PATHS} {SMALL} {FAST}",
            partial(places.write_graph, change=places.of_one_class),
            code=0,
            note="The run works, and is not scored.",
        ),
        Mistake(
            "No labels",
            f"{PATHS} {SMALL} {FAST}",
            partial(places.write_graph, change=places.unlabelled),
            code=0,
            note="The run works, and is not scored.",
        ),
    ],
    "Tables": [
        Mistake("A table that is not there", f"{POINTS}=point.csv", places.write_table),
        Mistake("A pickle", f"{POINTS}=points.pkl", lambda place: place.write("points.pkl")),
        Mistake("Another kind of file", f"{POINTS}=points.xlsx"),
        Mistake("An empty file", f"{POINTS}=points.csv", lambda place: place.write("points.csv")),
        Mistake(
            "A header alone",
            f"{POINTS}=points.csv",
            lambda place: place.write("points.csv", "id,x,y\n"),
        ),
        Mistake(
            "Text where numbers belong",
            f"{POINTS}=points.csv",
            lambda place: place.write("points.csv", "id,x,y\na,1,two\n"),
        ),
    ],
    "Logs": [
        Mistake("A column that is missing", f"{LOANS} data.user=reader", places.write_log),
        Mistake(
            "Another separator",
            LOG,
            partial(places.write_log, change=lambda text: text.replace(",", ";")),
        ),
        Mistake(
            "A time that is no number",
            LOG,
            partial(places.write_log, change=lambda text: text + "r1,b3,yesterday\n"),
        ),
        Mistake("An empty log", LOG, partial(places.write_log, change=lambda text: "")),
        Mistake(
            "A log of a header alone",
            LOG,
            partial(places.write_log, change=lambda text: "who,what,when\n"),
        ),
        Mistake(
            "Nobody with more than one event",
            LOG,
            partial(places.write_log, change=lambda text: "who,what,when\nr1,b1,1\nr2,b2,2\n"),
        ),
        Mistake(
            "A row that is cut short",
            LOG,
            partial(places.write_log, change=lambda text: text + "r1,b3\n"),
        ),
        Mistake(
            "NaN, repeats, and readers of one event",
            READERS,
            partial(
                places.write_log,
                change=lambda text: text + "r1,NaN,7\nr1,b3,nan\nr1,b1,0\nr1,b1,0\nr77,b3,1\n",
            ),
            code=0,
            note="The run works, and counts what it left out; the report says the same.",
        ),
        Mistake(
            "A time that is infinite",
            LOG,
            partial(places.write_log, change=lambda text: text + "r1,b3,inf\n"),
        ),
        Mistake(
            "Items that only the test holds",
            READERS,
            partial(places.write_log, change=lambda text: text + "r1,b99,8\nr2,b98,8\n"),
            code=0,
            note="The run works, and says how many; such items can be ranked, and never are high.",
        ),
        Mistake(
            "A history with an item that was never seen",
            f"{RECOMMEND} --history b3,b444",
            places.train_on_a_log,
        ),
        Mistake(
            "Somebody who is not in the log",
            f"{RECOMMEND} --user r99",
            places.train_on_a_log,
        ),
        Mistake(
            "A log that has changed since its run",
            f"{RECOMMEND} --user r1",
            lambda place: (
                places.train_on_a_log(place),
                places.write_log(place, lambda text: text + "r1,b77,9\n"),
            ),
        ),
    ],
    "Robots": [
        Mistake(
            "Fewer than three trajectories",
            ASKED,
            partial(places.moves, rows=lambda rows: rows[:7], answers=lambda text: text[:38]),
        ),
        Mistake(
            "A state that is NaN",
            ASKED,
            partial(places.moves, rows=lambda rows: [*rows[:4], "m1,2,nan", *rows[5:]]),
        ),
        Mistake("Neither answers nor features", MOVES, places.moves),
        Mistake(
            "An answer about a trajectory that is not there",
            ASKED,
            partial(places.moves, answers=lambda text: text + "m1,m2,m33,m1,ada,9:30\n"),
        ),
        Mistake(
            "An odd one out that was not shown",
            ASKED,
            partial(places.moves, answers=lambda text: text + "m1,m2,m3,m4,ada,9:30\n"),
        ),
        Mistake(
            "An answer of too few fields, amid others",
            ASKED,
            partial(places.moves, answers=lambda text: text + "m1,m2\nm1,m2,m3,m3,ada,9:31\n"),
        ),
        Mistake(
            "Answers in other columns",
            ASKED,
            partial(places.moves, answers=lambda text: text.replace("odd", "outlier")),
        ),
        Mistake(
            "Unequal lengths, contradictory answers, and a last line that was cut off",
            ASKED,
            partial(
                places.moves,
                answers=lambda text: (
                    text + "m1,m2,m5,m5,ada,9:30\nm1,m2,m5,m1,bob,9:31\nm1,m2,m4,m"
                ),
            ),
            code=0,
            note="The run works, and says what it made of them; the report says the same.",
        ),
        Mistake(
            "No trajectories to teach with",
            "teach move.csv",
            places.moves,
        ),
    ],
    "Data sets": [
        Mistake(
            "No network, and no local copy",
            "run plugin=meow data=acm",
            places.without_network,
        ),
        Mistake(
            "No network, and MovieLens without the package recbole",
            "run plugin=meow",
            places.without_network,
        ),
        Mistake(
            "A local copy that is another file",
            "run plugin=meow data=acm",
            places.with_a_foreign_copy,
            note="`CONTRAST_DATA_DIR` is `/home/ada/data`.",
        ),
        Mistake(
            "`CONTRAST_DATA_DIR` that names nothing",
            "run plugin=meow data=acm",
            places.with_a_wrong_data_folder,
            note="`CONTRAST_DATA_DIR` is `/home/ada/dta`.",
        ),
    ],
    "Tables to regress on": [
        Mistake("No target named", HOUSES, places.houses),
        Mistake("A target that does not exist", f"{HOUSES} data.target=prise", places.houses),
        Mistake("Text as the target", f"{HOUSES} data.target=town", places.houses),
        Mistake(
            "A target that never changes",
            PRICES,
            lambda place: places.houses(
                place,
                lambda rows: [rows[0], *(row[: row.rindex(",")] + ",250" for row in rows[1:])],
            ),
        ),
        Mistake(
            "A target that is infinite",
            PRICES,
            lambda place: places.houses(place, lambda rows: [*rows, "100,Delft,inf"]),
        ),
        Mistake(
            "A number that is infinite",
            PRICES,
            lambda place: places.houses(place, lambda rows: [*rows, "inf,Delft,200"]),
        ),
        Mistake(
            "A table of one row", PRICES, lambda place: places.houses(place, lambda rows: rows[:2])
        ),
        Mistake(
            "The logarithm of a target that is not above 0",
            f"{PRICES} data.log_target=true",
            lambda place: places.houses(place, lambda rows: [*rows, "100,Delft,0"]),
        ),
        Mistake(
            "Groups too few to split by",
            f"{PRICES} data.group=country",
            lambda place: places.houses(
                place,
                lambda rows: [f"{row},{'NL' if i else 'country'}" for i, row in enumerate(rows)],
            ),
        ),
        Mistake(
            "Rows that repeat, a target of a wide range, and one that is missing",
            PRICES,
            lambda place: places.houses(
                place,
                lambda rows: [
                    rows[0],
                    *(f"{row}000" for row in rows[1:]),
                    rows[1] + "000",
                    "9,Delft,",
                ],
            ),
            code=0,
            note="Settings adapt, and the run says so.",
        ),
        Mistake(
            "New rows without one of the columns",
            PREDICT,
            lambda place: places.priced(place) or place.write("new.csv", "town\nDelft\n"),
        ),
        Mistake(
            "New rows with text in place of a number",
            PREDICT,
            lambda place: (
                places.priced(place) or place.write("new.csv", "size,town\nlarge,Delft\n")
            ),
        ),
        Mistake(
            "New rows with a category never seen",
            f"{PREDICT} --out priced.csv",
            lambda place: places.priced(place) or place.write("new.csv", "size,town\n80,Paris\n"),
            code=0,
            note="It counts as none of the known ones.",
        ),
        Mistake(
            "Embedding new rows as if they were the training table",
            "embed runs/supremix-table-seed0 houses.csv",
            places.priced,
        ),
    ],
    "Images, texts and series to regress on": [
        Mistake("A folder of images that is not there", GAUGES, places.houses),
        Mistake("An image that is not there", GAUGES, places.gauges),
        Mistake("No such column of files", f"{GAUGES} data.file=image", places.gauges),
        Mistake("A text that is empty", SENTENCES, places.sentences),
        Mistake("A language model that is not there", f"{SENTENCES} data.model=bert", places.alike),
        Mistake("STS-B without its files", "run plugin=supremix data=stsb", places.houses),
        Mistake("A long table without its series", f"{WAVES} data.path=waves.csv", places.waves),
        Mistake("A target that changes within a series", RECORDED, places.waves),
        Mistake("Arrays that are not there", f"{WAVES} data.path=waves.npz", places.waves),
    ],
    "Patients and controls": [
        Mistake("A folder that is not there", FOLDERS.replace("=ill", "=sick"), places.pictures),
        Mistake(
            "A folder without images",
            FOLDERS,
            lambda place: places.pictures(place, ill=0),
        ),
        Mistake("Too few images", FOLDERS, lambda place: places.pictures(place, ill=3)),
        Mistake(
            "An image that is damaged",
            FOLDERS,
            lambda place: places.pictures(place) or place.write("ill/2.png", "no image"),
        ),
        Mistake(
            "One folder within the other",
            FOLDERS.replace("=ill", "=healthy/ill"),
            lambda place: (
                places.pictures(place),
                (place.folder / "ill").rename(place.folder / "healthy/ill"),
            ),
        ),
        Mistake(
            "A column that is missing",
            PEOPLE.replace("diagnosis", "diagnosed"),
            places.cohort,
        ),
        Mistake(
            "A name of the controls that is nobody's",
            f"{PEOPLE} data.control=controls",
            places.cohort,
        ),
        Mistake(
            "Controls alone",
            PEOPLE,
            lambda place: places.cohort(place, lambda rows: rows[:13]),
        ),
        Mistake(
            "Somebody of no group",
            PEOPLE,
            lambda place: places.cohort(place, lambda rows: [*rows, "p99,,40,1,1"]),
        ),
        Mistake(
            "A subject who is everybody",
            f"{PEOPLE} data.subject=who",
            lambda place: places.cohort(
                place, lambda rows: [rows[0], *("p" + row[row.index(",") :] for row in rows[1:])]
            ),
        ),
        Mistake(
            "A number that is infinite",
            PEOPLE,
            lambda place: places.cohort(place, lambda rows: [*rows, "p99,patient,40,inf,1"]),
        ),
        Mistake(
            "Nothing to learn from",
            f"{PEOPLE} data.covariates=age,left,right",
            places.cohort,
        ),
        Mistake("Images' encoder on a table", f"{PEOPLE} encoder=conv", places.cohort),
        Mistake(
            "A volume that is not there",
            f"{PEOPLE.replace('data=table', 'data=volumes')} data.file=who",
            places.cohort,
        ),
        Mistake(
            "Embedding new samples as if they were the run's own",
            "embed runs/sepclr-table-seed0 people.csv",
            places.separated,
        ),
        Mistake(
            "New samples without one of the columns",
            NEIGHBOURS,
            lambda place: places.separated(place) or place.write("new.csv", "left\n3\n"),
        ),
        Mistake(
            "Neighbours among nobody",
            f"{NEIGHBOURS} --among controls",
            lambda place: (
                places.separated(place) or place.write("new.csv", "age,left,right\n30,3,1\n")
            ),
        ),
    ],
    "Processes to explore": [
        Mistake("A horizon of nothing", f"{EXPLORE} data.horizon=0", places.explorer),
        Mistake("A baseline with a typo", f"{EXPLORE} evaluation.compare=cuonts", places.explorer),
        Mistake("A ridge of nothing", f"{EXPLORE} sampler.lam=0", places.explorer),
        Mistake("An environment with a typo", f"{LAKE} data.env=FrozenLakee-v1", places.explorer),
        Mistake("Actions that are not discrete", f"{LAKE} data.env=Pendulum-v1", places.explorer),
        Mistake("An environment without a table", f"{LAKE} data.env=CartPole-v1", places.explorer),
        Mistake("Rewards outside their range", f"{LAKE} data.env=CliffWalking-v1", places.explorer),
        Mistake("No file of a process", f"{EXPLORE} data=own data.path=mine.npz", places.explorer),
        Mistake(
            "A file that holds no arrays",
            f"{EXPLORE} data=own data.path=mine.npz",
            lambda place: (places.explorer(place), place.write("mine.npz", "step,state")),
        ),
    ],
    "Environments to act in": [
        Mistake("An environment's id with a typo", f"{DEEP} env=CartPol-v1", places.explorer),
        Mistake("Actions on a scale", f"{DEEP} env=Pendulum-v1", places.explorer),
        Mistake("What is seen is not read", f"{DEEP} env=hall:Pairs-v0", places.hall),
        Mistake("A family that is not installed", f"{DEEP} env=MiniGrid-Empty-5x5-v0", places.bare),
        Mistake("A module that is not there", f"{DEEP} env=hole:Hole-v0", places.explorer),
        Mistake("Episodes that may never end", f"{DEEP} env=hall:Endless-v0", places.hall),
        Mistake("Episodes of no step", f"{DEEP} data.horizon=0", places.explorer),
        Mistake("An observation that is no number", f"{DEEP} env=hall:Blind-v0", places.hall),
        Mistake("A reward without bounds", f"{DEEP} env=hall:Rich-v0", places.hall),
        Mistake(
            "A reward that no value can hold",
            f"{DEEP} env=hall:Dear-v0 encoder.atoms=51",
            places.hall,
        ),
        Mistake("An environment given twice", f"{DEEP} env=A-v0 data.env=B-v0", places.explorer),
        Mistake(
            "The official bonus without its atoms", f"{DEEP} reference=official", places.explorer
        ),
    ],
    "Training": [
        Mistake(
            "A loss that is no longer finite",
            "run plugin=toy trainer.lr=1e30",
            code=1,
        ),
        Mistake(
            "A metric to watch that the evaluation does not give",
            "run plugin=toy trainer.monitor=acuracy/embedding trainer.evaluate_every=1",
        ),
        Mistake("A folder for runs that is a file", "run plugin=toy --runs runs", places.runs_file),
        Mistake("A folder that is read-only", "run plugin=toy", places.read_only, code=1),
        Mistake("A disk that is full", "run plugin=toy", places.full_disk, code=1),
        Mistake(
            "A disk that fills while training",
            "run plugin=toy",
            places.disk_that_fills,
            code=1,
        ),
    ],
    "Runs": [
        Mistake("A run that does not exist", "resume runs/toy-blob-seed0", Place.train),
        Mistake(
            "A folder that is no run",
            "resume docs",
            lambda place: (place.folder / "docs").mkdir(),
        ),
        Mistake("An empty `run.json`", f"resume {RUN}", places.damage("run.json", 0)),
        Mistake("An empty `config.json`", f"eval {RUN}", places.damage("config.json", 0)),
        Mistake(
            "A damaged checkpoint",
            f"resume {RUN}",
            places.damage("checkpoints/train-00000006/model.safetensors"),
        ),
        Mistake(
            "A run of another version of its plugin", f"resume {RUN}", places.with_a_foreign_key
        ),
        Mistake("A run without its plugin", f"eval {RUN}", places.without_its_plugin),
        Mistake(
            "A run without its data",
            "eval runs/toy-table-seed0",
            places.trained_on_a_table_that_has_gone,
        ),
        Mistake(
            "A run that has no checkpoint yet",
            f"embed {RUN}",
            places.stopped_at_once,
        ),
        Mistake(
            "New data for a method that embeds only its own graph",
            "embed runs/meow-hetero-seed0 graph --out new.npz",
            places.train_meow,
        ),
        Mistake("New data for data that read no path", f"embed {RUN} new.csv", Place.train),
        Mistake(
            "Embeddings over an existing file",
            f"embed {RUN} --out old.npz",
            lambda place: (place.train(), place.write("old.npz")),
        ),
        Mistake("Embeddings to an unknown kind of file", f"embed {RUN} --out z.pkl", Place.train),
        Mistake(
            "An export to a folder that exists",
            f"export {RUN} mine",
            lambda place: (place.train(), (place.folder / "mine").mkdir()),
        ),
    ],
    "Preferences": [
        Mistake(
            "Records that do not exist",
            "run plugin=alignment data=records data.path=pair.jsonl",
            places.preferred,
        ),
        Mistake(
            "A record without a field",
            PREFER,
            lambda place: places.preferred_with(place, {"prompt": "Why?", "chosen": " So."}),
        ),
        Mistake(
            "Columns with a typo",
            PREFER,
            lambda place: places.preferred_records(place, {"promt": "Why?", "answer": " So."}),
        ),
        Mistake(
            "A response that is no text",
            PREFER,
            lambda place: places.preferred_with(place, PAIR | {"chosen": 3}),
        ),
        Mistake(
            "Scores that are too few",
            PREFER,
            lambda place: places.preferred_records(place, LIST | {"scores": [1]}),
        ),
        Mistake(
            "An id that stands twice",
            PREFER,
            lambda place: places.preferred_with(place, PAIR | {"id": 7}),
            note="A record without an id has its number, from 0.",
        ),
        Mistake(
            "A line that is no JSON",
            PREFER,
            lambda place: places.preferred(place, lambda lines: [lines[0][:-4], *lines[1:]]),
        ),
        Mistake("Records that are not UTF-8", PREFER, places.preferred_in_another_encoding),
        Mistake(
            "Lists with nothing to prefer",
            PREFER,
            lambda place: places.preferred_records(
                place, LIST | {"scores": [1, 1]}, LIST | {"responses": [" Loud"], "scores": [1]}
            ),
        ),
        Mistake(
            "An empty response, and a prompt longer than the window",
            SPEAK,
            lambda place: places.preferred_with(
                place, PAIR | {"rejected": " "}, PAIR | {"prompt": "Why? " * 99}
            ),
            code=0,
            note="What cannot be learnt from is left out, what is too long is cut; both are counted.",
        ),
        Mistake(
            "A window without room for a response",
            f"{PREFER} data.max_tokens=512",
            places.preferred,
        ),
        Mistake(
            "Single responses for an objective that compares",
            SPEAK,
            lambda place: places.preferred_records(
                place, {"prompt": "Name a sound.", "completion": " Loud", "label": True}
            ),
        ),
        Mistake(
            "Prompts alone, and no rule",
            PREFER,
            lambda place: places.preferred_records(place, {"prompt": "Name a sound."}),
        ),
        Mistake(
            "A rule that does not exist",
            f"{PREFER} data.reward=vowls",
            lambda place: places.preferred_records(place, {"prompt": "Name a sound."}),
        ),
        Mistake(
            "A text that is too short",
            "run plugin=alignment data=text data.path=text.txt",
            lambda place: places.preferred(place) or place.write("text.txt", "Once upon a time."),
        ),
    ],
    "Language models": [
        Mistake("No model named", PREFER, places.preferred),
        Mistake(
            "A model of the hub without its revision",
            f"{PREFER} encoder.model=somebody/model",
            places.preferred,
        ),
        Mistake(
            "A folder without a model",
            f"{PREFER} encoder.model=empty",
            lambda place: places.preferred(place) or (place.folder / "empty").mkdir(),
        ),
        Mistake(
            "A tokenizer without an end",
            SMALL_MODEL,
            lambda place: places.language_model(place, eos_token=None),
        ),
        Mistake("Chat messages for a model without a template", SMALL_MODEL, places.chatting),
        Mistake("A window longer than what the model reads", SMALL_MODEL, places.language_model),
        Mistake(
            "A reference cache of another model",
            f"{SPEAK} {KEPT}",
            places.with_a_reference_of_another_model,
        ),
        Mistake(
            "A reference cache for an objective that needs more",
            f"{SPEAK} objective=kto encoder.reference_model=cache",
            places.preferred,
        ),
        Mistake(
            "No reference for an objective that needs one",
            f"{SPEAK} encoder.reference_model=none",
            places.preferred,
        ),
        Mistake(
            "An adapter to switch off that is not there",
            f"{SMALL_MODEL} encoder.reference_model=adapter_off",
            places.preferred,
        ),
        Mistake(
            "A run without a language model to write with",
            f"generate {RUN} --prompt Hello",
            lambda place: places.preferred(place) or place.train(),
        ),
    ],
    "Comparisons": [
        Mistake(
            "A run to compare that does not exist", f"compare {RUN} runs/toy-blob", Place.train
        ),
        Mistake(
            "A folder to compare that holds no runs",
            f"compare {RUN} docs",
            lambda place: (place.train(), (place.folder / "docs").mkdir()),
        ),
        Mistake("One run alone", f"compare {RUN}", Place.train),
        Mistake("A run that is not finished", f"compare {RUN}", places.stopped_half_way),
        Mistake(
            "A comparison over an existing file",
            f"compare {RUN} --out old.html",
            lambda place: place.write("old.html"),
        ),
        Mistake("A comparison that is no page", f"compare {RUN} --out runs.csv"),
        Mistake(
            "Runs on different data, two of them of one seed",
            "compare runs --out runs.html",
            places.train_three_times,
            code=0,
            note="The runs are compared, and it is said what that is worth.",
        ),
    ],
    "Plugins": [
        Mistake("A name for a new plugin that cannot be one", "new-plugin contrast-Tides"),
        Mistake("A name for a new plugin that is taken", "new-plugin toy"),
        Mistake("A name for a new plugin that an objective has", "new-plugin dcl"),
        Mistake(
            "A new plugin over an existing folder",
            "new-plugin tides",
            lambda place: (place.folder / "contrast-tides").mkdir(),
        ),
        Mistake(
            "A plugin that raises when it is imported",
            "run plugin=mine",
            lambda place: place.install("mine", "import no_such_library\n"),
        ),
        Mistake(
            "Two packages with a plugin of one name",
            "run plugin=toy",
            lambda place: place.install("toy", "", distribution="other-toy"),
        ),
        Mistake(
            "A plugin for another core",
            "run plugin=mine",
            lambda place: place.install("mine", "", requires="contrast-core>=9"),
        ),
        Mistake(
            "A hook with a typo",
            "run plugin=mine",
            lambda place: place.install("mine", places.RANKER.replace("recipes", "recipe")),
        ),
        Mistake(
            "A hook that gives something else",
            "run plugin=mine",
            lambda place: place.install("mine", places.RANKER.replace("[TOY]", "['toy']")),
        ),
        Mistake(
            "Looking for what is broken",
            "plugins --check",
            lambda place: place.install("mine", "", requires="contrast-core>=9"),
            code=1,
            note="The others are not disturbed. A plugin that raises is shown with its traceback.",
        ),
        Mistake("An observer that is not installed", "run plugin=toy --observer wandb"),
        Mistake(
            "TensorBoard that is not installed",
            "run plugin=toy --observer tensorboard",
            places.without_tensorboard,
        ),
    ],
}


def page() -> str:
    """The page, from what every mistake prints now."""
    parts = [HEAD]
    for group, mistakes in MISTAKES.items():
        parts.append(f"## {group}\n")
        for mistake in mistakes:
            with tempfile.TemporaryDirectory() as folder:
                code, said = make(mistake, Path(folder))
            assert code == mistake.code, (mistake.title, code, said)
            parts.append(section(mistake, said))
    return "\n".join(parts)


def section(mistake: Mistake, said: str) -> str:
    """One mistake as it stands on the page."""
    failed = "Exit code 1." if mistake.code == 1 else ""
    words = " ".join(filter(None, (mistake.note, failed)))
    shown = f"$ contrast {mistake.command}\n{said}"
    return f"### {mistake.title}\n\n{words}\n\n```console\n{shown}\n```\n".replace("\n\n\n", "\n")


if __name__ == "__main__":
    PAGE.write_text(page())
