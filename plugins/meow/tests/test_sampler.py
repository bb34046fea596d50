import copy
import dataclasses

import pytest
import torch

from contrast.engine.placement import move
from contrast.engine.randomness import generator, seeded
from contrast.errors import ConfigError, DataError
from contrast.interfaces import Moment
from contrast.primitives.prototypes import Clustering, concentrations, means
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_meow.encoder import MeowEncoder
from contrast_meow.objective import Meow
from contrast_meow.sampler import MeowSampler

AT = Moment("train", 0, 0)
PLAIN = {"feature_mask": 0.0, "edge_masks": (0.0,)}


def build(data, seed="sampler", **settings):
    settings = {"clusters": (4, 7), "neighbours": (6,), "cache": False} | settings
    return MeowSampler(data, generator=generator(seed), **settings)


def loss_and_gradients(data, sampler):
    with seeded("init"):
        encoder = MeowEncoder(**data.sizes(), width=6, projection=6, dropout=0.0).double()
    batch = move(sampler.draw(AT), torch.device("cpu"), torch.float64)
    form = sampler.relate(encoder(batch), AT)
    assert sampler.last is None
    loss = sum(Meow()(form).values())
    return loss, torch.autograd.grad(loss, list(encoder.parameters())), form


@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "concentration_phi"))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_concentrations_equal_their_vector(case, dtype, tolerance):
    (x,) = tensors(case, "x", dtype=dtype)
    ids = torch.tensor(case["assignments"])
    centres = means(x, ids[None], case["num_clusters"])[0][0]
    own = (x * centres[ids]).sum(1)
    phi = case["tau"] * concentrations(x, Clustering(ids, centres))
    assert_close(centres, case["centroids_raw"], tolerance, "centroids_raw")
    assert_close(own, case["similarity_to_own_centroid"], tolerance, "similarity")
    assert_close(phi, case["phi"], tolerance, "phi")


@pytest.mark.parametrize("seed", range(5))
def test_renumbering_nodes_with_tie_rank_changes_neither_loss_nor_gradient(data, renumber, seed):
    order = torch.randperm(30, generator=generator("order", seed))
    sampler = build(data, **PLAIN)
    moved_data = renumber(data, order)
    moved = build(moved_data, **PLAIN, tie_rank=sampler.tie_rank[order])
    for kept, kept_moved in zip(sampler.kept, moved.kept, strict=True):
        assert (kept.toarray()[order][:, order] == kept_moved.toarray()).all()
    loss, grads, form = loss_and_gradients(data, sampler)
    loss_moved, grads_moved, form_moved = loss_and_gradients(moved_data, moved)
    assert torch.equal(form.clusters[:, order], form_moved.clusters)
    assert abs(loss - loss_moved) <= 1e-12 * abs(loss)
    for one, other in zip(grads, grads_moved, strict=True):
        assert (one - other).norm() <= 1e-12 * one.norm()


def test_tie_rank_depends_on_the_seed_alone_and_not_on_ids_labels_or_order(data, renumber):
    plain = build(data).tie_rank
    blind = dataclasses.replace(data, ids=list(range(30, 0, -1)), labels=None, splits={})
    assert torch.equal(build(blind).tie_rank, plain)
    assert torch.equal(build(renumber(data, torch.arange(29, -1, -1))).tie_rank, plain)
    assert not torch.equal(build(data, seed="other").tie_rank, plain)
    assert plain.sort().values.tolist() == list(range(30))


def test_everything_is_drawn_once_and_again_by_the_same_seed(data):
    one, two = build(data), build(data)
    assert one.draw(AT) is one.draw(Moment("train", 1, 0))
    assert [batch is one.batch for batch in one.sweep("all")] == [True]
    for a, b in zip(one.batch.masked_graphs, two.batch.masked_graphs, strict=True):
        assert torch.equal(a.matrix.to_dense(), b.matrix.to_dense())
    masked = [each.batch.masked[0].matrix.to_dense() for each in (one, two)]
    assert torch.equal(*masked)
    assert one.ids(one.batch) == data.ids


def test_features_are_divided_by_their_sum_unless_some_are_negative(data):
    film, _, topic = (each.matrix.to_dense() for each in build(data).batch.features)
    sums = film.sum(1)
    assert sums[1] == 0
    torch.testing.assert_close(sums[2:], torch.ones(28))
    torch.testing.assert_close(topic, data.graph["topic"].x)


def test_relate_adds_detached_clusters_of_the_fine_view(data):
    sampler = build(data)
    _, _, form = loss_and_gradients(data, sampler)
    assert form.clusters.shape == (2, 30)
    assert form.sizes == (4, 7)
    assert form.clusters.min() == 0
    assert (form.clusters.amax(1) < torch.tensor([4, 7])).all()
    assert form.prototypes.shape == (11, 6)
    torch.testing.assert_close(form.prototypes.norm(dim=1), torch.ones(11, dtype=torch.float64))
    assert not form.prototypes.requires_grad
    assert not form.concentration.requires_grad
    f = form.z[1].detach()
    own = (f * form.prototypes[:4][form.clusters[0]]).sum(1)
    assert own.mean() > (f @ form.prototypes[:4].T).mean()


def test_no_clusters_are_looked_for_where_nobody_reads_them(data):
    sampler = build(data, relates=False)
    with seeded("init"):
        form = MeowEncoder(**data.sizes(), width=6)(sampler.batch)
    assert sampler.relate(form, AT) is form


def test_more_clusters_or_columns_than_nodes_are_cut_down_with_a_warning(data):
    with pytest.warns(UserWarning, match="sampler.clusters` is 99 for 30 nodes; 30 is used"):
        sampler = build(data, clusters=(5, 99))
    loss, grads, _ = loss_and_gradients(data, sampler)
    assert sampler.sizes == (5, 30)
    assert loss.isfinite()
    assert all(grad.isfinite().all() for grad in grads)
    with pytest.warns(UserWarning, match="sampler.neighbours` is 700 for 30 nodes"):
        build(data, neighbours=(700,))


def test_one_cluster_leaves_the_contrast_without_negatives(data):
    sampler = build(data, clusters=(1,))
    loss, grads, _ = loss_and_gradients(data, sampler)
    assert loss.isfinite()
    assert all(grad.isfinite().all() for grad in grads)


def test_settings_for_another_number_of_meta_paths_are_refused(data):
    with pytest.raises(ConfigError, match=r"sampler.edge_masks.*2 meta-paths, got 3"):
        build(data, edge_masks=(0.1, 0.2, 0.3))


def test_cache_folder_is_used_and_changes_nothing(data, tmp_path, monkeypatch):
    monkeypatch.setattr("contrast_meow.sampler.cache_folder", lambda: tmp_path)
    first, again = build(data, cache=True), build(data, cache=True)
    assert len(list(tmp_path.iterdir())) == 2
    for one, two in zip(first.kept, again.kept, strict=True):
        assert (one.toarray() == two.toarray()).all()


def test_last_training_embedding_is_kept_where_wanted_and_survives_a_resume(data):
    sampler, resumed = build(data, remembers=True), build(data, remembers=True)
    with seeded("init"):
        encoder = MeowEncoder(**data.sizes(), width=6)
    form = sampler.relate(encoder(sampler.batch), AT)
    assert torch.equal(sampler.last, form.embedding)
    assert not sampler.last.requires_grad
    resumed.load_state_dict(sampler.state_dict())
    assert torch.equal(resumed.last, sampler.last)
    assert list(build(data).state_dict()) == ["graph"]


def test_the_state_of_another_graph_is_refused(data):
    state = build(data).state_dict()
    build(data).load_state_dict(state)
    (relation, *_) = data.graph.edge_types
    changed = copy.deepcopy(data.graph)
    changed[relation].edge_index = changed[relation].edge_index.flip(1)
    with pytest.raises(DataError, match="is not the one that the run was trained on"):
        build(dataclasses.replace(data, graph=changed)).load_state_dict(state)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, "random"),
        ({"official": True}, "official"),
        ({"official": True, "ties": "random"}, "random"),
        ({"ties": "next_index"}, "next_index"),
    ],
)
def test_ties_follow_the_reference_unless_they_are_named(data, settings, rule):
    assert build(data, **settings).rule == rule
