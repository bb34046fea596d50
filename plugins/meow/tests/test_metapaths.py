import numpy as np
import pytest
import torch

from contrast.errors import ConfigError
from contrast_meow.metapaths import incidence, parse

LONG = "film>rev_liked>person>liked>film"


def test_long_and_short_name_mean_the_same_path(graph):
    short, long = parse("film>person>film", graph, "film"), parse(LONG, graph, "film")
    assert short == long
    assert long.name == LONG
    assert long.steps == ("person",)
    assert parse(long.name, graph, "film") == long


def test_longer_path_passes_every_type_on_the_way(graph):
    path = parse("film>topic>film>topic>film", graph, "film")
    assert path.steps == ("topic", "film", "topic")
    assert len(path.half) == 2


def test_incidence_counts_the_ways_along_a_chain(graph):
    path = parse("film>topic>film>topic>film", graph, "film")
    dense = np.zeros((30, 5))
    for film, topic in graph["film", "rev_covers", "topic"].edge_index.T.tolist():
        dense[film, topic] += 1
    assert (incidence(graph, path.edges[:1]).toarray() == dense).all()
    assert (incidence(graph, path.half).toarray() == dense @ dense.T).all()


def test_ambiguous_short_name_lists_the_relations(graph):
    graph["person", "saw", "film"].edge_index = graph["person", "liked", "film"].edge_index
    with pytest.raises(ConfigError, match=r"not unique(.|\n)*person>saw>film`") as e:
        parse("film>person>film", graph, "film")
    assert str(e.value).count("\n") <= 2


def test_unknown_word_names_the_nearest_and_lists_the_relations(graph):
    with pytest.raises(ConfigError, match=r"no `persn`; did you mean `person`") as e:
        parse("film>persn>film", graph, "film")
    assert "`film>rev_liked>person`" in str(e.value)


@pytest.mark.parametrize("text", ["", "film", "film>", "film>film", "film>rev_liked>topic"])
def test_path_that_does_not_exist_is_refused(graph, text):
    with pytest.raises(ConfigError, match="does not exist"):
        parse(text, graph, "film")


def test_path_must_begin_and_end_at_the_target(graph):
    with pytest.raises(ConfigError, match="begin and end at the target type `film`"):
        parse("person>film>person", graph, "film")


def test_path_that_does_not_read_the_same_backwards_is_refused(graph):
    graph["person", "saw", "film"].edge_index = torch.tensor([[0, 1], [2, 3]])
    with pytest.raises(ConfigError, match="same backwards"):
        parse("film>rev_liked>person>saw>film", graph, "film")
    graph["film", "next", "film"].edge_index = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ConfigError, match="same backwards"):
        parse("film>next>film", graph, "film")
