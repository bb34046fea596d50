"""What a file and the command line give; sweeps."""

import pytest

from contrast.config.layers import named_plugin, read_file, read_words, sweep
from contrast.errors import ConfigError


@pytest.fixture
def file(tmp_path):
    def write(text, name="my.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def pairs(given):
    return {each.key: each.value for each in given}


def test_scalars_of_a_file_stay_texts(file):
    path = file("data:\n  id: 007\n  flag: yes\n  rate: 1e-3\n  sizes: [1, 2]\nseed: 3\n")
    assert pairs(read_file(path)) == {
        "data.id": "007",
        "data.flag": "yes",
        "data.rate": "1e-3",
        "data.sizes": ["1", "2"],
        "seed": "3",
    }


def test_nested_and_dotted_keys_are_the_same(file):
    nested = read_file(file("objective:\n  name: own\n  weight: 2\n"))
    dotted = read_file(file("objective: own\nobjective.weight: 2\n"))
    assert nested == dotted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "is not YAML, line"),
        ("seed: 1\nseed: 2", "line 2: the key `seed` comes twice"),
        ("- a\n- b", "must hold keys and values"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML, line 1"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(file, text, said):
    with pytest.raises(ConfigError, match=r"my\.yaml") as caught:
        read_file(file(text))
    assert said in str(caught.value)


def test_an_empty_file_gives_nothing(file):
    assert read_file(file("# nothing\n")) == []


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        read_file(tmp_path / "no.yaml")
    with pytest.raises(ConfigError, match="is a directory"):
        read_file(tmp_path)


def test_a_key_given_twice_is_refused():
    with pytest.raises(ConfigError, match="`seed` is given twice: '1' and '2'"):
        read_words(["seed=1", "seed=2"], "command line")


def test_a_word_without_equals_sign_is_refused():
    with pytest.raises(ConfigError, match="`acm` is not of the form key=value"):
        read_words(["acm"], "command line")


def test_a_value_may_hold_an_equals_sign():
    assert pairs(read_words(["data.path=a=b"], "x")) == {"data.path": "a=b"}


def test_commas_sweep_and_brackets_are_lists():
    jobs = sweep(["plugin=p", "seed=0,1", "data.sizes=[1,2],[3]"])
    assert jobs == [
        ["plugin=p", "seed=0", "data.sizes=[1,2]"],
        ["plugin=p", "seed=0", "data.sizes=[3]"],
        ["plugin=p", "seed=1", "data.sizes=[1,2]"],
        ["plugin=p", "seed=1", "data.sizes=[3]"],
    ]


def test_without_commas_a_sweep_is_the_one_job():
    assert sweep(["seed=0", "data.path="]) == [["seed=0", "data.path="]]


@pytest.mark.parametrize("word", ["seed=0,,1", "seed=0,0", "seed=0,"])
def test_an_empty_or_repeated_value_of_a_sweep_is_refused(word):
    with pytest.raises(ConfigError, match="sweeps over an empty or repeated value"):
        sweep([word])


def test_the_plugin_is_named_by_the_words_or_else_by_the_file(file):
    path = file("plugin: meow\n")
    assert named_plugin([], path) == "meow"
    assert named_plugin(["plugin=other"], path) == "other"
    assert named_plugin(["seed=1"]) is None
