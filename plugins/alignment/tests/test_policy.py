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
