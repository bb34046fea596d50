import subprocess
import sys

import pytest
import torch

from contrast.errors import ConfigError
from contrast.forms import Apart, Lists, Pairs, Same, Tokens, Views, fits, lowered


def test_views_lower_to_pairs_of_view_0_against_view_1():
    z = torch.randn(3, 5, 2)
    pairs = lowered(Views(z), Pairs)
    assert torch.equal(pairs.anchors, z[0])
    assert torch.equal(pairs.candidates, z[1])


def test_a_subclass_is_read_where_its_base_is_wanted_without_lowering():
    class Graph(Views):
        pass

    form = Graph(torch.randn(2, 4, 3))
    assert lowered(form, Views) is form
    assert fits(Graph, Pairs)


def test_pairs_never_become_lists_and_views_never_take_two_steps():
    assert not fits(Pairs, Lists)
    assert not fits(Views, Lists)
    with pytest.raises(ConfigError, match="reads Lists, the encoder gives Views"):
        lowered(Views(torch.randn(2, 4, 3)), Lists)


def test_one_view_cannot_be_lowered():
    with pytest.raises(ValueError, match="two views"):
        Views(torch.randn(1, 4, 3)).lower()


def test_tokens_lower_to_one_row_a_group_with_summed_log_probabilities():
    policy = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mask = torch.tensor([[True, True], [True, False], [True, True]])
    tokens = Tokens(policy, mask, torch.tensor([7, 7, 9]), targets=torch.tensor([0.1, 0.2, 0.3]))
    lists = tokens.lower()
    assert lists.scores.tolist() == [[3.0, 3.0], [11.0, 0.0]]
    assert lists.mask.tolist() == [[True, True], [True, False]]
    assert lists.lengths.tolist() == [[2, 1], [2, 0]]


def test_relations_written_out_agree_with_their_definition():
    rows, columns = torch.tensor([1, 2]), torch.tensor([2, 2, 1])
    assert Same(rows, columns).mask().tolist() == [[False, False, True], [True, True, False]]
    apart = Apart(torch.tensor([[0, 1], [0, 0]]), torch.tensor([[0, 1], [1, 0]]))
    assert apart.count().tolist() == [[1, 1], [2, 0]]


def test_a_form_knows_its_samples_and_its_tensors():
    form = Views(torch.randn(2, 5, 3), labels=torch.zeros(5))
    assert len(form) == 5
    assert [(name, axis) for name, _, axis in form.tensors()] == [("z", 1), ("labels", 0)]


def test_interfaces_recipes_and_forms_import_no_torch():
    code = "import sys, contrast.recipe, contrast.forms, contrast.interfaces, contrast.hookspecs;"
    code += "print([m for m in ('torch', 'numpy') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
