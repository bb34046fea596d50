import json

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import contrast
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Moment, Parts
from contrast.testing.battery import battery
from contrast_alignment.batch import Item
from contrast_alignment.evaluate import preferences as held_out_rewards
from contrast_alignment.form import Responses
from contrast_alignment.preferences import Window, from_rows, held_out, own_records, tokenized
from contrast_alignment.published import KEPT, cut, dialogues
from contrast_alignment.records import Record, common_beginning, kind_of, parsed
from contrast_alignment.rows import json_lines, read_rows
from contrast_alignment.sampler import ListSampler
from contrast_alignment.tokens import continuation, conversation, train_tokenizer

SETTINGS = {
    "valid_share": 0.25,
    "max_tokens": 40,
    "max_prompt_tokens": 20,
    "prompt_side": "left",
    "response_tokens": 4,
    "responses": 2,
    "temperature": 1.0,
    "reward": "",
}
PAIRS = [
    {"prompt": f"Name a colour, {i}.", "chosen": f" Red, {i}", "rejected": " Loud"}
    for i in range(8)
]
LISTS = [
    {"prompt": f"Say {i}:", "responses": [f" {i}", " no", f" {i}{i}"], "scores": [1.0, 0.0, 0.5]}
    for i in range(8)
]
UNPAIRED = [{"prompt": f"Say {i}:", "completion": f" {i}", "label": i % 2 == 0} for i in range(8)]
PROMPTS = [{"prompt": f"Go on with {i}:"} for i in range(8)]
CHAT = [
    {
        "prompt": [{"role": "user", "content": f"What is {i}?"}],
        "chosen": [{"role": "assistant", "content": f"It is {i}."}],
        "rejected": [{"role": "assistant", "content": "No idea."}],
    }
    for i in range(8)
]
IMPLICIT = [
    {"chosen": row["prompt"] + row["chosen"], "rejected": row["prompt"] + row["rejected"]}
    for row in CHAT
]


def rows_of(records):
    return [(f"line {i}", record) for i, record in enumerate(records, start=1)]


def preferences(records, **settings):
    return from_rows(rows_of(records), "f", generator("records"), **(SETTINGS | settings))


def own_tokenizer():
    return train_tokenizer([json.dumps(PAIRS), json.dumps(CHAT)], 400)


def write(folder, records, name="records.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    return path


KINDS = {"pair": PAIRS, "list": LISTS, "unpaired": UNPAIRED, "group": PROMPTS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_columns_say_what_a_file_holds(kind):
    assert kind_of(rows_of(KINDS[kind])) == kind


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
@pytest.mark.parametrize("records", [PAIRS, LISTS, CHAT], ids=["pairs", "lists", "chat"])
def test_a_file_of_each_format_holds_the_same_records(suffix, records, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / f"records.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif suffix == "json":
        path.write_text(json.dumps(records))
    else:
        write(tmp_path, records)
    rows, notes = read_rows(path)
    assert [row for _, row in rows] == records
    assert notes == ()


def test_ranks_are_grades_from_one_to_zero():
    (record,) = parsed(
        rows_of([{"prompt": "a", "completions": ["x", "y", "z"], "ranks": [3, 1, 2]}]), "list"
    )
    assert record.grades == (0.0, 1.0, 0.5)


def test_what_two_dialogues_begin_with_is_their_prompt():
    start = "\n\nHuman: Hello\n\nAssistant:"
    assert common_beginning(f"{start} How are you?", f"{start} How dare you?") == (
        start,
        " How are you?",
        " How dare you?",
    )
    assert common_beginning("The sky is blue", "The sky is black") == (
        "The sky is",
        " blue",
        " black",
    )


def test_messages_of_an_implicit_prompt_are_shared_as_a_whole():
    made = preferences(IMPLICIT)
    given = preferences(CHAT)
    assert made.train == given.train
    assert made.valid == given.valid


def test_no_prompt_is_in_both_parts():
    records = [Record(str(i), f"prompt {i % 10}") for i in range(60)]
    train, valid = held_out(records, 0.3, generator("parts"))
    assert {r.prompt for r in train} & {r.prompt for r in valid} == set()
    assert len({r.prompt for r in valid}) == 3
    assert len(train) + len(valid) == 60
    assert held_out(records, 0.0, generator("parts"))[1] == ()
    assert held_out(records[:1], 0.5, generator("parts"))[1] == ()


@pytest.mark.parametrize("records", [PAIRS, CHAT], ids=["texts", "messages"])
def test_tokens_are_those_of_the_whole_conversation_cut_where_the_response_begins(records):
    tokenizer = own_tokenizer()
    made = preferences(records, max_tokens=200, max_prompt_tokens=100)
    for record, item in zip(made.train, made.tokenized(tokenizer).train, strict=True):
        for k, response in enumerate(item.responses):
            text = tokenizer.decode(item.prompt + response)
            scored = tokenizer.decode(response[item.scored_from[k] :])
            said = record.responses[k]
            said = said if isinstance(said, str) else said[0]["content"]
            assert scored == said + tokenizer.eos_token
            assert text.endswith(scored)


def test_long_prompts_lose_their_beginning_and_long_responses_their_end():
    tokenizer = own_tokenizer()
    record = Record("a", "one two three four five six", (" seven eight nine", " ten"), (1.0, 0.0))
    whole, none = tokenized(record, tokenizer, Window(1000, 500, "left"))
    item, cut_ = tokenized(record, tokenizer, Window(8, 5, "left"))
    assert none == []
    assert cut_[0] == "prompts"
    assert "responses" in cut_
    assert item.prompt == whole.prompt[-5:]
    assert item.responses[0] == whole.responses[0][:3]
    right, _ = tokenized(record, tokenizer, Window(8, 5, "right"))
    assert right.prompt == whole.prompt[:5]
    notes = preferences(PAIRS, max_tokens=4, max_prompt_tokens=3).tokenized(tokenizer).notes
    assert any("8 prompts were cut on the left: `data.max_prompt_tokens=3`" in n for n in notes)
    assert any("responses were cut on the right: `data.max_tokens=4`" in n for n in notes)


def test_what_is_of_no_use_is_left_out_and_counted():
    odd = [
        {"prompt": "a", "responses": ["x"], "scores": [1]},
        {"prompt": "a", "responses": ["x", "y"], "scores": [1, 1]},
        {"prompt": "a", "responses": ["x", " "], "scores": [1, 0]},
        {"prompt": " ", "responses": ["x", "y"], "scores": [1, 0]},
    ]
    made = preferences([*LISTS, *odd])
    assert len(made.train) + len(made.valid) == 8
    for reason in ("one response alone", "graded alike", "an empty response", "an empty prompt"):
        assert any(reason in note for note in made.notes), reason
    with pytest.raises(DataError, match="no record that can be learnt from: 1 with one response"):
        preferences(odd[:1])


def test_dialogues_that_part_before_the_last_turn_are_left_out():
    dialogue = "\n\nHuman: Hi\n\nAssistant: {}\n\nHuman: And?\n\nAssistant: So."
    parted = {"chosen": dialogue.format("Yes."), "rejected": dialogue.format("No.")}
    made = preferences([*IMPLICIT, parted])
    assert "Left out: 1 whose conversations part before the last turn." in made.notes


BROKEN = {
    "no such file": (None, "does not exist"),
    "another kind": ("records.txt", "use `.jsonl`, `.json`, `.parquet`"),
    "a field is missing": ([*PAIRS, {"prompt": "x", "chosen": "y"}], "line 9 has no field `rejec"),
    "unknown columns": ([{"prompts": "x"}], "did you mean `prompt`"),
    "an id twice": ([{"id": 1, **PAIRS[0]}, {"id": 1, **PAIRS[1]}], "line 2: the id `1` stands"),
    "no text": ([{**PAIRS[0], "chosen": 3}], "line 1, `chosen`: expected a text"),
    "no messages": ([{**PAIRS[0], "chosen": [{"role": "x"}]}], "`role` and `content`"),
    "scores that are too few": ([{**LISTS[0], "scores": [1]}], "3 responses and 1 scores"),
    "scores that are none": ([{**LISTS[0], "scores": [1, None, 2]}], "expected finite numbers"),
    "a label that is none": ([{**UNPAIRED[0], "label": "good"}], "expected true or false"),
    "no object": ([[1, 2]], "line 1: expected an object"),
    "nothing": ([], "holds no record"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_records_are_refused_with_their_place(case, tmp_path):
    records, said = BROKEN[case]
    path = tmp_path / "records.jsonl"
    if isinstance(records, str):
        path = tmp_path / records
    elif records is not None:
        write(tmp_path, records)
    with pytest.raises(DataError, match=said):
        own_records(generator("x"), path=str(path), **SETTINGS)


def test_a_broken_line_is_named_and_a_last_one_that_was_cut_off_is_left_out():
    good = json.dumps(PAIRS[0])
    with pytest.raises(DataError, match="f, line 2 is no JSON"):
        json_lines(f"{good}\n{{\n{good}\n", "f")
    rows, notes = json_lines(f'{good}\n{{"prompt": "a", "ch', "f")
    assert len(rows) == 1
    assert notes == ("The last line was cut off and is left out.",)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "records.jsonl").write_bytes('{"prompt": "\xe9"}'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8 text: byte 12 is 0xe9"):
        read_rows(tmp_path / "records.jsonl")


def test_messages_need_a_chat_template():
    tokenizer = own_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(DataError, match="has no chat template"):
        preferences(CHAT).tokenized(tokenizer)


def test_the_blank_before_a_response_is_kept_by_tokenizers_that_leave_it_out_alone():
    core = Tokenizer(models.BPE(unk_token="?"))
    core.pre_tokenizer, core.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    core.train_from_iterator(
        ["How many cups? many cups"], trainers.BpeTrainer(special_tokens=["?"])
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="?", unk_token="?")
    ids, start = conversation(tokenizer, "How many cups", " many cups")
    assert tokenizer.decode(ids[start:], skip_special_tokens=True) == "many cups"
    assert continuation(tokenizer, ids[:start], ids[start:]) == " many cups"


def test_a_template_without_an_end_is_told():
    tokenizer = own_tokenizer()
    notes = preferences(CHAT, max_tokens=200, max_prompt_tokens=100).tokenized(tokenizer).notes
    assert "a response ends with `<end>`" in notes[-1]
    tokenizer.chat_template = tokenizer.chat_template.replace("<end>", "")
    notes = preferences(CHAT, max_tokens=200, max_prompt_tokens=100).tokenized(tokenizer).notes
    assert "does not learn to stop" in notes[-1]


def test_a_window_without_room_for_a_response_is_refused():
    with pytest.raises(ConfigError, match="max_prompt_tokens` must be below"):
        preferences(PAIRS, max_tokens=10, max_prompt_tokens=10)


def test_prompts_alone_need_a_rule():
    with pytest.raises(ConfigError, match=r"holds prompts alone.*\n?.*data.reward"):
        preferences(PROMPTS)


TINY = (
    "encoder=tiny",
    "data=records",
    "data.max_tokens=60",
    "data.max_prompt_tokens=40",
    "data.response_tokens=4",
    "encoder.vocabulary=300",
    "encoder.width=16",
    "encoder.layers=1",
    "encoder.heads=2",
    "sampler.batch_size=4",
)
SMALL = (*TINY, "trainer.lr=0.01", "trainer.align.max_steps=2")
TestChat = battery(
    "alignment",
    *TINY,
    "encoder.reference_model=cache",
    prepare=lambda folder: [f"data.path={write(folder, IMPLICIT)}"],
)
TUNED = (*SMALL, "trainer.sft.max_steps=2")
RUNS = {
    "pairs": (PAIRS, ()),
    "lists": (LISTS, ("objective=lipo",)),
    "unpaired": (UNPAIRED, ("objective=kto",)),
    "chat": (IMPLICIT, ("objective=ipo",)),
}


def run(folder, records, *words):
    path = write(folder, records)
    return contrast.run("alignment", overrides=[*words, f"data.path={path}"], runs=folder / "runs")


@pytest.mark.parametrize("case", RUNS)
def test_a_model_is_aligned_to_records_of_each_kind(case, tmp_path):
    records, words = RUNS[case]
    result = run(tmp_path, records, *TUNED, *words)
    assert result.metrics["held_out/margins"] is not None
    assert (result.folder / "model/model.safetensors").is_file()
    notes = json.loads((result.folder / "evaluation/align.json").read_text())["notes"]
    assert "to train on and 1 held out, no prompt in both" in notes[0]


def test_without_held_out_prompts_nothing_is_evaluated(tmp_path):
    result = run(tmp_path, PAIRS, *SMALL, "data.valid_share=0")
    notes = json.loads((result.folder / "evaluation/align.json").read_text())["notes"]
    assert notes[-1] == "nothing is held out: nothing is evaluated"


def test_prompts_of_ones_own_are_answered_by_the_model_and_graded(tmp_path):
    result = run(tmp_path, PROMPTS, *SMALL, "data.reward=vowels", "data.valid_share=0.4")
    assert result.metrics["reward/policy"] >= 0


def test_single_responses_are_refused_by_what_compares(tmp_path):
    with pytest.raises(ConfigError, match="Use `objective=kto`"):
        run(tmp_path, UNPAIRED, *SMALL)


def test_only_desirable_responses_are_fine_tuned_on(tmp_path):
    result = run(tmp_path, UNPAIRED, *TUNED, "objective=kto")
    parts = contrast.load(result.folder)
    good, _ = parts.data.good()
    assert len(good) < len(parts.data.train)
    assert all(item.grades == (1.0,) for item in good)
    bad = [{**row, "label": False} for row in UNPAIRED]
    with pytest.raises(ConfigError, match="no good response to fine-tune on"):
        run(tmp_path, bad, *TUNED, "objective=kto")


def test_a_window_longer_than_the_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="the model reads 2048 tokens"):
        run(tmp_path, PAIRS, "encoder=tiny", "data=records", "data.max_tokens=4096")


def test_the_published_dialogues_are_cut_from_the_original_as_the_copy_was(tmp_path, monkeypatch):
    from contrast.data.sources import DATA_DIR_VARIABLE, local_path
    from contrast_alignment.published import CUT

    if not local_path(CUT):
        pytest.skip("needs preferences/hh_harmless_test_subset.jsonl in CONTRAST_DATA_DIR")
    text = dialogues()
    kept = [json.loads(line) for line in text.split("\n") if line]
    lines = {int(each["id"].rsplit("-", 1)[1]): each for each in kept}
    filler = {"chosen": "a b", "rejected": "a c"}
    original = [
        {name: lines[i]["prompt"] + lines[i][name] for name in filler} if i in lines else filler
        for i in range(2312)
    ]
    assert KEPT.bit_count() == len(kept) == 1669
    written = "".join(f"{json.dumps(each)}\n" for each in original)
    assert cut(written) == text
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))
    (tmp_path / CUT).parent.mkdir()
    (tmp_path / CUT).write_text("{}")
    with pytest.raises(DataError, match="differs from the published pairs"):
        dialogues()


def test_a_template_that_refuses_a_role_is_told():
    tokenizer = own_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(DataError, match=r"refuses a conversation of user, assistant: System role"):
        preferences(CHAT).tokenized(tokenizer)


GRADES = {
    "lipo": ("lambda", 1200.0),
    "lipo objective.kind=softmax": ("softmax", -1.0),
    "lipo objective.kind=sigmoid": ("sigmoid", 5.0),
    "irpo": ("irpo", -1.0),
}


@pytest.mark.parametrize("words", GRADES)
def test_grades_of_which_a_formula_makes_no_sense_are_refused_before_any_work(words, tmp_path):
    named, grade = GRADES[words]
    records = [{**row, "scores": [grade, 0.0, 0.5]} for row in LISTS]
    with pytest.raises(
        ConfigError, match=rf"{named}` takes grades from .* one response has {grade:g}"
    ):
        run(tmp_path, records, *SMALL, *f"objective={words}".split())
    assert not (tmp_path / "runs").exists()


def test_responses_of_its_own_must_fit_the_model_too(tmp_path):
    with pytest.raises(ConfigError, match=r"may have 2060: lower `data\.response_tokens`"):
        run(
            tmp_path,
            PAIRS,
            "data=records",
            "encoder=tiny",
            "data.max_prompt_tokens=40",
            "data.response_tokens=2020",
        )


class Scored(torch.nn.Module):
    """The scores stand in the grades' place: 2 nats more than the reference if desirable."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, batch):
        """Log-ratios of 2 and of -1."""
        good = batch.grades > 0.5
        return Responses(
            torch.where(good, 2.0, -1.0),
            targets=batch.grades,
            mask=batch.scored.any(2),
            reference=torch.zeros_like(batch.grades),
            lengths=batch.scored.sum(2),
        )


def test_held_out_rewards_of_single_responses_do_not_hang_on_batches():
    items = [Item(i, (2,), ((3,),), (float(i < 2),)) for i in range(6)]
    sampler = ListSampler([], items, batch_size=2)  # the good ones are one batch
    found = held_out_rewards(Parts(None, sampler, Scored(), None))
    assert found["held_out/rewards/chosen"] == 2
    assert found["held_out/rewards/rejected"] == -1


def test_a_last_batch_without_a_prompt_for_every_process_is_refused():
    items = [Item(i, (2,), ((3,), (4,)), (1.0, 0.0)) for i in range(5)]
    sampler = ListSampler(items, [], batch_size=4)
    assert len(sampler.draw(Moment("align", 0, 0)).rows) in (1, 4)
    with pytest.raises(
        ConfigError, match=r"leaves 1 of 5 prompts to the last batch .* 2 processes"
    ):
        sampler.draw(Moment("align", 0, 0, None, 1, 2))
