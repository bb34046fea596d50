import json
import shutil

import pytest

from contrast.errors import ConfigError, DataError, RunFolderError
from contrast_preference_studio.writer import open_run, refuse_other_runs

DRAWN = {"seed": 0, "turn": 0, "temperature": 1.0, "tokens": 8}


@pytest.fixture
def changed(folder, tmp_path):
    """A function that gives a copy of the run whose record says something else."""

    def change(**values):
        copy = shutil.copytree(folder, tmp_path / "copy")
        record = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps({**record, **values}))
        return copy

    return change


def test_a_pair_differs_and_is_the_same_one_again(writer):
    first, second = writer.pair("The cat", **DRAWN)
    assert first.text != second.text
    assert writer.pair("The cat", **DRAWN) == (first, second)
    for other in ({"seed": 1}, {"turn": 1}, {"temperature": 0.1}):
        assert writer.pair("The cat", **DRAWN | other) != (first, second)
    assert all(each.tokens <= 8 and (each.ended or each.tokens == 8) for each in (first, second))


def test_a_model_that_always_says_the_same_is_found_out(writer):
    with pytest.raises(DataError, match="8 responses to this prompt were all alike"):
        writer.pair("The cat", **DRAWN | {"temperature": 0.0})


def test_a_prompt_longer_than_the_model_reads_is_cut_on_the_left(writer):
    long = "the dog " * 2000
    assert writer.longest == 512
    assert len(writer.pair(long, **DRAWN)) == 2


def test_held_out_prompts_of_a_text_are_openings_of_its_last_part(writer, home):
    assert 1 < len(writer.prompts) <= 6
    assert all(prompt in (home / "text.txt").read_text() for prompt in writer.prompts)
    assert not writer.chat


def test_held_out_prompts_of_records_are_those_that_were_not_trained_on(chat):
    assert len(chat.prompts) == 4
    assert chat.chat
    assert chat.asked("Why?") == [{"role": "user", "content": "Why?"}]
    written = chat.pair(chat.prompts[0], **DRAWN)[0]
    assert chat.answer(written) == [{"role": "assistant", "content": written.text}]


def test_without_its_data_a_run_still_answers_what_is_typed(changed, home):
    copy = changed()
    text = home / "text.txt"
    moved = text.rename(home / "elsewhere.txt")
    try:
        opened = open_run(copy)
    finally:
        moved.rename(text)
    assert opened.prompts == ()
    assert "No held-out prompts: cannot read the text" in opened.notes[0]
    assert opened.pair("The cat", **DRAWN)


def test_other_runs_are_refused_before_a_model_is_loaded(changed, tmp_path):
    with pytest.raises(RunFolderError, match="is not a run folder"):
        refuse_other_runs(tmp_path)
    copy = changed(plugin="sirl")
    with pytest.raises(ConfigError, match="run of plugin `sirl`"):
        refuse_other_runs(copy)


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(changed):
    with pytest.raises(RunFolderError, match=r"(?s)state is `stopped`.*contrast resume"):
        refuse_other_runs(changed(state="stopped"))


def test_a_model_that_is_gone_or_does_not_write_is_refused(changed):
    copy = changed()
    described = copy / "model/config.json"
    described.write_text(json.dumps({"architectures": ["LlamaForSequenceClassification"]}))
    with pytest.raises(ConfigError, match="LlamaForSequenceClassification and writes nothing"):
        refuse_other_runs(copy)
    described.unlink()
    with pytest.raises(DataError, match=r"(?s)holds no model.*contrast eval"):
        refuse_other_runs(copy)
