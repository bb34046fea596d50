from dataclasses import replace

import pytest
import torch

from contrast.engine.randomness import generator
from contrast_alignment.batch import Item, collate
from contrast_alignment.models import tiny
from contrast_alignment.policy import Policy


def policy(shared_prefix="auto"):
    torch.manual_seed(0)
    model = tiny(
        tokens=40,
        vocabulary=40,
        width=16,
        layers=2,
        heads=2,
        shared_prefix=shared_prefix,
        reference_model="copy",
    )
    return model.double()


def items():
    draw = generator("items")

    def tokens(count):
        return tuple(torch.randint(2, 40, (count,), generator=draw).tolist())

    return [
        Item("a", tokens(5), (tokens(3), tokens(6), tokens(1)), (0.0, 1.0, 2.0)),
        Item("b", tokens(2), (tokens(4), tokens(4)), (1.0, 0.0)),
    ]


def plain_scores(model, item):
    scores = []
    for response in item.responses:
        ids = torch.tensor([[*item.prompt, *response]])
        log_p = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        own = log_p.gather(1, ids[0, 1:, None])[len(item.prompt) - 1 :]
        scores.append(own.sum())
    return torch.stack(scores)


@pytest.mark.parametrize("shared", ["on", "off"])
def test_scores_are_those_of_each_conversation_alone(shared):
    encoder = policy(shared)
    scores = encoder(collate(items())).scores
    for row, item in zip(scores, items(), strict=True):
        alone = plain_scores(encoder.model, item)
        torch.testing.assert_close(row[: len(alone)], alone)


def exact(shared_prefix):
    """GPT-2, all of which computes in float64; Llama's norm rounds to float32 in between."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    return Policy(GPT2LMHeadModel(config), shared_prefix=shared_prefix).double()


def test_a_prompt_encoded_once_gives_the_gradient_of_one_encoded_again():
    gradients = []
    for shared in ("on", "off"):
        encoder = exact(shared)
        encoder(collate(items())).scores.sum().backward()
        gradients.append({n: p.grad for n, p in encoder.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-12, rtol=1e-12, msg=name)


def test_a_reference_stays_where_it_was():
    encoder = policy()
    encoder.keep_reference("copy")
    before = encoder(collate(items()))
    torch.testing.assert_close(before.scores, before.reference, atol=0, rtol=0)
    with torch.no_grad():
        encoder.model.lm_head.weight.mul_(2)
    after = encoder(collate(items()))
    torch.testing.assert_close(after.reference, before.reference, atol=0, rtol=0)
    assert not torch.equal(after.scores, after.reference)


def llama(tied):
    """A model whose vocabulary and positions are more than one tile of the head on a CPU."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=3000,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def long_items():
    draw = generator("long items")

    def tokens(count):
        return tuple(torch.randint(2, 3000, (count,), generator=draw).tolist())

    return [
        Item("a", tokens(40), (tokens(300), tokens(200)), (1.0, 0.0)),
        Item("b", tokens(25), (tokens(120), tokens(180)), (1.0, 0.0)),
    ]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shared", ["on", "off"])
def test_tiles_give_the_log_probabilities_of_full_logits_in_float32(tied, shared):
    model = llama(tied)
    mine = Policy(model, shared_prefix=shared).score(collate(long_items())).log_probs
    weights = torch.randn(mine.shape, generator=generator("weights"))
    gradients = torch.autograd.grad((mine * weights).sum(), list(model.parameters()))
    rows, total = iter(zip(mine, weights, strict=True)), 0.0
    for item in long_items():
        for response in item.responses:
            row, weight = next(rows)
            ids = torch.tensor([[*item.prompt, *response]])
            log_p = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
            full = log_p.gather(1, ids[0, 1:, None])[len(item.prompt) - 1 :, 0]
            assert (row[: len(full)] - full).abs().max() <= 1e-5
            total = total + (full * weight[: len(full)]).sum()
    plain = torch.autograd.grad(total, list(model.parameters()))
    for ours, theirs in zip(gradients, plain, strict=True):
        assert (ours - theirs).norm() <= 1e-4 * theirs.norm()


def test_mismatched_responses_are_scored_under_another_prompt_also_in_micro_batches():
    from contrast.interfaces import Moment
    from contrast.primitives.split import split_batch
    from contrast_alignment.sampler import ListSampler

    encoder = policy()
    sampler = ListSampler(items(), (), batch_size=2, mismatched=True)
    batch = sampler.draw(Moment("align", 0, 0))
    encoder.keep_reference("copy")
    with torch.no_grad():
        encoder.model.lm_head.weight.add_(torch.randn(40, 16, generator=generator("moved")))
    form = encoder(batch)
    parts = [encoder(part) for part in split_batch(batch, 1, 2)]
    apart = torch.cat([part.mismatched for part in parts])
    torch.testing.assert_close(apart, form.mismatched)
    for own, other in [(0, 1), (1, 0)]:
        found = encoder(collate([replace(items()[own], prompt=items()[other].prompt)]))
        z = (found.scores - found.reference)[0].sort().values
        place = batch.rows.tolist().index(own)
        drawn = form.mismatched[place][form.mask[place]].sort().values
        torch.testing.assert_close(drawn, z)


def test_a_batch_of_one_borrows_its_other_prompt_from_elsewhere():
    from contrast.interfaces import Moment
    from contrast_alignment.sampler import ListSampler

    sampler = ListSampler(items(), (), batch_size=1, mismatched=True)
    batch = sampler.draw(Moment("align", 0, 0))
    (row,) = batch.rows.tolist()
    assert batch.other[0].tolist() == list(items()[1 - row].prompt)
