import numpy as np
import pandas as pd
import pytest

import contrast
from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_supremix import Predictor, texts
from contrast_supremix.texts import Pairs, stsb
from contrast_supremix.wording import TERMS, numbered, overlaps, terms

WORDS = ["cat", "dog", "bird", "sits", "runs", "red", "blue", "old", "young", "house", "tree"]


def pairs(rows=40):
    """Sentences of five words, scored by how many they share."""
    draw, found = np.random.default_rng(0), []
    for i in range(rows):
        first = draw.permutation(WORDS)[:5]
        second = np.concatenate([first[: i % 6], draw.permutation(WORDS)[: 5 - i % 6]])
        found.append((" ".join(first), " ".join(second), i % 6 + draw.normal(0, 0.1)))
    return pd.DataFrame(found, columns=["left", "right", "score"])


@pytest.fixture
def table(tmp_path):
    pairs().to_csv(tmp_path / "pairs.csv", index=False)
    return tmp_path / "pairs.csv"


def own(path, **changed):
    given = {"first": "left", "second": "right", "target": "score", "group": "", "model": ""}
    shares = {"valid_share": 0.2, "held_share": 0.133, "log_target": False}
    return texts.texts(generator=generator(0), path=str(path), **given | changed, **shares)


def test_terms_are_words_and_parts_of_words_whatever_the_case():
    assert terms("Cats!") == terms("cats!")
    assert set(terms("cat")) < set(terms("cat dog"))
    assert set(terms("running")) & set(terms("runner"))
    assert terms("") == []
    assert all(0 < each < TERMS for each in terms("any words, at all"))


def test_a_table_of_pairs_is_read(table):
    rows = own(table)
    assert rows.kind == "texts"
    assert rows.x.shape[:2] == (40, 2)
    near = overlaps(rows.x, rows.split.train)[:, 0]
    assert np.corrcoef(near, rows.y)[0, 1] > 0.8


def test_an_empty_side_counts_as_no_overlap():
    x = numbered(["a cat", ""], ["a cat", ""])
    assert overlaps(x, np.arange(2))[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": "lefd"}, "did you mean `left`"),
        ({"target": "right"}, "is named for two things"),
        ({"model": "nowhere"}, "must be a folder with a model of transformers"),
    ],
)
def test_a_table_that_is_described_wrongly_is_refused(table, change, message):
    with pytest.raises(DataError, match=message):
        own(table, **change)


def test_a_text_that_is_missing_is_named(table):
    pairs().assign(left=lambda f: f["left"].where(f.index != 3)).to_csv(table, index=False)
    with pytest.raises(DataError, match="column `left` is empty in row 4"):
        own(table)


def test_pairs_are_learnt_and_new_ones_predicted(table, tmp_path):
    run = contrast.run(
        "supremix",
        data={
            "name": "texts",
            "path": str(table),
            "first": "left",
            "second": "right",
            "target": "score",
        },
        trainer={"max_epochs": 8, "lr": 0.01},
        sampler={"batch_size": 16},
        evaluation={"compare": False},
        runs=tmp_path / "runs",
    ).folder
    new = pd.DataFrame(
        {"left": ["cat dog bird sits runs"] * 2, "right": ["cat dog bird sits runs", "x"]}
    )
    new.to_csv(tmp_path / "new.csv", index=False)
    _, found = Predictor.load(run).predict_file(tmp_path / "new.csv")
    assert found.value[0] > found.value[1]


def test_stsb_keeps_its_split_and_says_where_it_comes_from(monkeypatch, tmp_path):
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="YyzHarry/imbalanced-regression"):
        stsb(generator=generator(0), model="")
    place = tmp_path / "text/stsb_dir"
    place.mkdir(parents=True)
    for part, rows in (("train", 24), ("dev", 4), ("test", 4)):
        frame = pairs(rows).rename(columns={"left": "sentence1", "right": "sentence2"})
        frame.to_csv(place / f"{part}.tsv", sep="\t", index=False)
    with pytest.raises(DataError, match="not the published split"):
        stsb(generator=generator(0), model="")
    monkeypatch.setattr(texts, "file_sha256", lambda path: texts.STSB[path.stem])
    rows = stsb(generator=generator(0), model="")
    assert [len(part) for part in (rows.split.train, rows.split.valid, rows.split.held)] == [
        24,
        4,
        4,
    ]
    assert rows.published
    assert rows.notes == (
        "The split is the published one; 8 pairs to choose or judge by are in training.",
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained BERT of two layers that knows the words above."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("model")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_a_local_language_model_makes_numbers_of_pairs(table, model):
    rows = own(table, model=str(model))
    assert (rows.kind, rows.x.shape) == ("table", (40, 33))
    reader = Pairs("left", "right", str(model))
    alone, _ = reader.matrix(pairs().iloc[[7]], "new.csv")
    np.testing.assert_allclose(alone[0], rows.x[7], atol=1e-5)  # padding changes nothing
    assert rows.fingerprint == own(table, model=str(model)).fingerprint
    assert rows.fingerprint == own(table).fingerprint  # of the texts, whatever rounding does
    same = pd.DataFrame({"left": ["red house"], "right": ["red house"]})
    x, _ = reader.matrix(same, "new.csv")
    assert x[0, -1] == pytest.approx(1)
    assert not x[0, :16].any()


def test_a_model_without_safetensors_is_refused(table, model, tmp_path):
    (tmp_path / "config.json").write_text((model / "config.json").read_text())
    with pytest.raises(DataError, match="cannot be read"):
        own(table, model=str(tmp_path))
