"""The gradient cache: a batch of any size at the memory of one micro-batch.

    forward    chunk by chunk without a graph, remembering the random state: the whole form
    loss       on the whole form, as if it had come from one pass
    backward   chunk by chunk again with a graph, under the remembered random state

The gradient is that of encoding all chunks with a graph, for one more forward pass (Gao et al.,
arXiv:2101.06983; there for InfoNCE, here for whatever is done with the form).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from contrast.errors import ConfigError
from contrast.forms import Form
from contrast.primitives.join import join, tensor_at, with_tensors

Encode = Callable[[Any], Form]


def encode_in_chunks(encode: Encode, chunks: Sequence[Any], encoder: nn.Module) -> Form:
    """The form of all chunks, with gradients to the parameters of `encoder`, cheap in memory.

    `encode` gives the form of one chunk. It is called again for each in the backward pass, under
    the same random state of torch (CPU, and the CUDA devices of the encoder), so that dropout
    falls alike. Gradients flow to the encoder's parameters and to nothing else.

    Memory: the graph of one chunk, and the form.     Cost: one more forward pass.
    Edge cases: where no gradient is wanted, or for one chunk, it is encoded plainly.
    Raises: ConfigError: the encoder mixes rows (`mixes_rows`, or batch norm in training), or
    changes a buffer while it encodes: its chunks would not add up to the batch.
    """
    parameters = [p for p in encoder.parameters() if p.requires_grad]
    if len(chunks) == 1:
        return encode(chunks[0])
    refuse_mixing(encoder)
    if not (parameters and torch.is_grad_enabled()):
        return join([encode(chunk) for chunk in chunks])
    before = _buffers(encoder)
    states, forms, names = [], [], []
    for i, chunk in enumerate(chunks):
        states.append(_random_state(parameters))
        with torch.set_grad_enabled(i == 0):  # the first chunk shows which tensors are learnt
            form = encode(chunk)
        names = names or [name for name, value, _ in form.tensors() if value.requires_grad]
        forms.append(with_tensors(form, {n: tensor_at(form, n).detach() for n in names}))
        del form  # and with it the first chunk's graph
    _refuse_changed(before, _buffers(encoder))
    versions = [p._version for p in parameters]
    replay = Replay(encode, chunks, states, names, parameters, versions)
    return _attached(forms, replay)


def _attached(forms: Sequence[Form], replay: Replay) -> Form:
    """The joined form, its learnt tensors hung on a backward pass that encodes again."""
    if not replay.names:
        return join(forms)
    values = [tensor_at(form, name) for form in forms for name in replay.names]
    attached = iter(_Cached.apply(replay, values, *replay.parameters))
    return join([with_tensors(f, {name: next(attached) for name in replay.names}) for f in forms])


@dataclass(frozen=True)
class Replay:
    """What it takes to encode the chunks once more: the random state of each, the learnt fields.

    The parameters stand here and not among the saved tensors, which hooks may replace by copies.
    """

    encode: Encode
    chunks: Sequence[Any]
    states: list[dict[str, Tensor]]
    names: list[str]
    parameters: list[nn.Parameter]
    versions: list[int]

    def check(self) -> None:
        """Raises: RuntimeError: the parameters were stepped since the chunks were encoded."""
        if self.versions != [p._version for p in self.parameters]:
            raise RuntimeError(
                "the encoder's parameters were changed between encoding and the backward pass, "
                "which encodes again: encode anew after an optimiser step"
            )


class _Cached(torch.autograd.Function):
    """The values as they are; backward encodes chunk after chunk, freeing each graph at once."""

    @staticmethod
    def forward(
        ctx: Any, replay: Replay, values: list[Tensor], *parameters: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.replay = replay
        return tuple(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        replay: Replay = ctx.replay
        replay.check()
        width = len(replay.names)
        with _collected(replay.parameters) as sums:
            for i, (chunk, state) in enumerate(zip(replay.chunks, replay.states, strict=True)):
                with _replayed(state), torch.enable_grad():
                    form = replay.encode(chunk)
                outputs = [tensor_at(form, name) for name in replay.names]
                del form
                of_chunk = gradients[i * width : (i + 1) * width]
                torch.autograd.backward(outputs, of_chunk, inputs=replay.parameters)
                del outputs
        return None, None, *sums


@contextmanager
def _collected(parameters: Sequence[Tensor]) -> Iterator[list[Tensor | None]]:
    """What the block's backward passes add up in `grad`, which is then as it was before.

    Only there does autograd add in place, without a second set of gradients in memory.
    """
    before, sums = [p.grad for p in parameters], []
    for p in parameters:
        p.grad = None
    try:
        yield sums
        sums.extend(p.grad for p in parameters)
    finally:
        for p, grad in zip(parameters, before, strict=True):
            p.grad = grad


def _random_state(parameters: Sequence[Tensor]) -> dict[str, Tensor]:
    """The state of torch's generators by device: CPU, and the CUDA devices of the parameters."""
    cuda = sorted({str(p.device) for p in parameters if p.is_cuda})
    return {"cpu": torch.get_rng_state(), **{name: torch.cuda.get_rng_state(name) for name in cuda}}


@contextmanager
def _replayed(state: dict[str, Tensor]) -> Iterator[None]:
    """The block under a random state of before; afterwards all is as it was."""
    cuda = [torch.device(name) for name in state if name != "cpu"]
    with torch.random.fork_rng(devices=cuda):
        torch.set_rng_state(state["cpu"])
        for device in cuda:
            torch.cuda.set_rng_state(state[str(device)], device)
        yield


def _buffers(encoder: nn.Module) -> dict[str, tuple[int, int]]:
    """Which buffers there are, and how often each was written."""
    return {name: (id(value), value._version) for name, value in encoder.named_buffers()}


def refuse_mixing(encoder: nn.Module) -> None:
    """Raises: ConfigError: a module of the encoder says `mixes_rows`, or is a batch norm."""
    mixing = [
        type(module).__name__
        for module in encoder.modules()
        if getattr(module, "mixes_rows", False)
        or (isinstance(module, _BatchNorm) and module.training)
    ]
    if mixing:
        raise ConfigError(
            f"`{mixing[0]}` mixes the rows of a batch, so that micro-batches would not add up to "
            "the batch: leave `trainer.micro_batch` at 0, or use layer or group norm"
        )


def _refuse_changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> None:
    changed = [name for name, mark in after.items() if before.get(name) != mark]
    if changed:
        raise ConfigError(
            f"the encoder changes its buffer `{changed[0]}` while it encodes, which it would do "
            "twice in micro-batches: leave `trainer.micro_batch` at 0"
        )
