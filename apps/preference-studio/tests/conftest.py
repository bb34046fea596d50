"""Small finished runs on a text and on chat messages, and the page over one on a free port."""

import json

import pytest

import contrast
from contrast.reporting.serving import serve
from contrast_preference_studio.answers import Answers
from contrast_preference_studio.asking import Asking
from contrast_preference_studio.page import make_page, page_style
from contrast_preference_studio.writer import open_run

TINY = {"name": "tiny", "vocabulary": 300, "width": 16, "heads": 2, "layers": 1}
STEPS = {"max_steps": 2, "sft": {"max_steps": 2, "max_epochs": 0}}


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder with a text and with chat records."""
    home = tmp_path_factory.mktemp("studio")
    (home / "text.txt").write_text("The cat sat on the mat, and the dog ate the hat.\n" * 40)
    chat = [
        {
            "prompt": [{"role": "user", "content": f"What is {i}?"}],
            "chosen": [{"role": "assistant", "content": f"It is {i}."}],
            "rejected": [{"role": "assistant", "content": "No idea."}],
        }
        for i in range(8)
    ]
    (home / "chat.jsonl").write_text("\n".join(map(json.dumps, chat)) + "\n")
    return home


def trained(home, **data):
    evaluation = {"prompts": 2, "shown": 0}
    return contrast.run(
        "alignment", data=data, encoder=TINY, trainer=STEPS, evaluation=evaluation, runs=home
    ).folder


@pytest.fixture(scope="session")
def folder(home):
    """A run on a text."""
    asked = {"prompts": 24, "prompt_tokens": 6, "response_tokens": 8}
    return trained(home, name="text", path=str(home / "text.txt"), **asked)


@pytest.fixture(scope="session")
def writer(folder):
    """The run, opened."""
    return open_run(folder)


@pytest.fixture(scope="session")
def chat(home):
    """A run on chat messages, opened."""
    return open_run(trained(home, name="records", path=str(home / "chat.jsonl"), valid_share=0.5))


@pytest.fixture
def asking(writer, tmp_path):
    """Questions about the run, with nothing answered."""
    return Asking(writer, Answers(tmp_path / "answers.jsonl"))


@pytest.fixture(scope="module")
def served(writer, tmp_path_factory):
    """Questions about the run, and where the page that asks them is served."""
    made = Asking(writer, Answers(tmp_path_factory.mktemp("kept") / "answers.jsonl"))
    page = make_page(made)
    yield made, serve(page, css=page_style())
    page.close(verbose=False)
