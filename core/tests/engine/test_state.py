import pytest
import torch
from torch import nn

from contrast.engine.state import load_tree, save_tree


def test_a_tree_comes_back_as_it_was(tmp_path):
    tree = {
        "weights": torch.randn(3, 2),
        "nested": {"list": [1, 2.5, None, True, "text"], "tuple": (torch.arange(3), "x")},
        3: "an integer key",
        "minus infinity": float("-inf"),
        "scalar": torch.tensor(4),
        "strided": torch.randn(4, 4).T[1:],
    }
    save_tree(tree, tmp_path / "tree")
    back = load_tree(tmp_path / "tree")
    assert list(back) == list(tree)
    assert torch.equal(back["weights"], tree["weights"])
    assert torch.equal(back["strided"], tree["strided"])
    assert back["nested"]["list"] == tree["nested"]["list"]
    assert back["nested"]["tuple"][0].tolist() == [0, 1, 2]
    assert back["minus infinity"] == float("-inf")
    assert back["scalar"].shape == ()


def test_tied_weights_are_stored_once(tmp_path):
    first = nn.Linear(64, 64, bias=False)
    second = nn.Linear(64, 64, bias=False)
    second.weight = first.weight
    state = nn.ModuleList([first, second]).state_dict()
    weights, _ = save_tree(state, tmp_path / "tied")
    assert weights.stat().st_size < 1.5 * first.weight.nbytes
    back = load_tree(tmp_path / "tied")
    assert torch.equal(back["1.weight"], first.weight)


def test_keys_that_look_alike_keep_their_tensors_apart(tmp_path):
    tree = {"a.b": torch.zeros(1), "a": {"b": torch.ones(1)}, 3: torch.ones(2), "3": torch.zeros(2)}
    save_tree(tree, tmp_path / "tree")
    back = load_tree(tmp_path / "tree")
    assert back["a.b"].item() == 0
    assert back["a"]["b"].item() == 1
    assert back[3].tolist() == [1, 1]
    assert back["3"].tolist() == [0, 0]


def test_what_is_neither_tensor_nor_plain_is_refused_by_its_path(tmp_path):
    with pytest.raises(TypeError, match=r"state `a\.b` is a object"):
        save_tree({"a": {"b": object()}}, tmp_path / "tree")


def test_an_optimiser_state_survives(tmp_path):
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    save_tree(optimizer.state_dict(), tmp_path / "adam")
    fresh = torch.optim.Adam(model.parameters())
    fresh.load_state_dict(load_tree(tmp_path / "adam"))
    for parameter in model.parameters():
        for name, value in optimizer.state[parameter].items():
            assert torch.equal(fresh.state[parameter][name], value)


def test_what_the_system_refuses_comes_up_with_its_number_and_path(tmp_path):
    with pytest.raises(FileNotFoundError) as refused:
        save_tree({"z": torch.ones(3)}, tmp_path / "missing" / "tree")
    assert refused.value.filename == str(tmp_path / "missing/tree.safetensors")
