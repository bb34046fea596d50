"""SASRec: a transformer over a history, whose last state scores every item by inner product.

Self-Attentive Sequential Recommendation (arXiv:1808.09781), as RecBole has it, with RecBole's names
of parameters, so that weights go both ways; and MCLRec's encoder, the same with two augmenters.

Rows of similar length are encoded together, and of the last layer only the state that is read out:
the numbers, and the gradients, are those of all rows padded to one length.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, gelu, normalize, scaled_dot_product_attention

from contrast_mclrec.form import NextItem, Sequences
from contrast_mclrec.rows import Group, Rows
from contrast_mclrec.sampler import Batch

HIDDEN = -1e4  # added to scores of keys that are not seen: finite, so that no row is without any
EPS = 1e-12
STRIP = 1 << 20  # scores in memory at once


class SASRec(nn.Module):
    """Histories to their last state, (B, D); gives `NextItem`.

    x = Drop(LN(E[s] + P)), then layers of LN(x + Drop(MHA(x))) and LN(x + Drop(FFN(x))); a key is
    seen if it is not hidden (item 0) and not later than the query.

    All linear and embedding weights are drawn from N(0, 0.02), biases are 0. Row 0 of the table is
    drawn too; as an input it learns nothing, as a candidate of the softmax it does.
    Raises: ValueError: heads do not divide the width.
    """

    def __init__(
        self,
        *,
        items: int,
        max_length: int,
        catalogue: int = 0,
        width: int = 64,
        layers: int = 2,
        heads: int = 2,
        inner: int = 256,
        dropout: float = 0.5,
        attention_dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"`encoder.heads` must divide the width {width}, got {heads}")
        self.items = items
        self.item_embedding = nn.Embedding(items + 1, width, padding_idx=0)
        self.position_embedding = nn.Embedding(max_length, width)
        self.trm_encoder = nn.Module()
        self.trm_encoder.layer = nn.ModuleList(
            Layer(width, heads, inner, dropout, attention_dropout) for _ in range(layers)
        )
        self.LayerNorm = nn.LayerNorm(width, eps=EPS)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("catalogue", torch.tensor(catalogue))
        self.apply(_draw)

    @property
    def table(self) -> Tensor:
        """The candidates of the softmax, padding first: (I + 1, D)."""
        return self.item_embedding.weight[: self.items + 1]

    def forward(self, batch: Batch) -> NextItem:
        """The states of the histories and what followed."""
        h, followed = self.states(batch.rows, batch.targets)
        return NextItem(h, followed, batch.targets, self.table, *_sampled(batch))

    def states(self, rows: Rows, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The last state of each row, (R, D), and the embeddings of the targets, (B, D).

        All items are looked up at once, so that one gradient of the table's size is formed.
        """
        parts = [group.items.flatten() for group in rows.groups]
        sizes = [part.numel() for part in parts]
        parts += [] if targets is None else [targets]
        looked_up = embedding(torch.cat(parts), self.item_embedding.weight, padding_idx=0)
        *found, followed = looked_up.split([*sizes, looked_up.shape[0] - sum(sizes)])
        states = [
            self.encode(group, x.view(*group.items.shape, -1))
            for group, x in zip(rows.groups, found, strict=True)
        ]
        return torch.cat(states)[rows.place], None if targets is None else followed

    def encode(self, group: Group, x: Tensor) -> Tensor:
        """The last states of a group from its items' embeddings: (r, l, D) to (r, D)."""
        r, length, _ = x.shape
        x = self.dropout(self.LayerNorm(x + self.position_embedding.weight[:length]))
        seen = (group.items != 0)[:, None, None]  # (r, 1, 1, l)
        hidden = torch.zeros(r, 1, 1, length, dtype=x.dtype, device=x.device)
        hidden = hidden.masked_fill(~seen, HIDDEN)
        later = torch.full((length, length), HIDDEN, dtype=x.dtype, device=x.device).triu(1)
        *first, last = self.trm_encoder.layer
        for layer in first:
            x = layer(x, x, torch.minimum(hidden, later))
        read = x[torch.arange(r, device=x.device), group.lengths - 1]
        return last(read[:, None], x, hidden)[:, 0]

    def scores(self, batch: Batch) -> Iterator[Tensor]:
        """The scores of all items for each history, in strips of rows: (b, I), item 1 first."""
        h, _ = self.states(batch.rows)
        table = self.table[1:]
        for strip in h.split(max(STRIP // max(len(table), 1), 1)):
            yield strip @ table.T

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The state of each history, (B, D): users in the space of the items."""
        return {"z": self.states(batch.rows)[0]}


class Mclrec(SASRec):
    """SASRec with two learned views of a state; gives `Sequences`.

    Sizes and settings as `SASRec`; `mask_token` adds a row to the table for hidden items.
    """

    def __init__(
        self, *, mask_token: bool = False, augmenters: int = 2, **settings: int | float
    ) -> None:
        super().__init__(**settings)
        width = self.item_embedding.embedding_dim
        if mask_token:
            self.item_embedding = nn.Embedding(self.items + 2, width, padding_idx=0)
            _draw(self.item_embedding)
        sizes = (width, max(width // 2, 1), max(width // 4, 1), width)
        self.augmenters = nn.ModuleList(Augmenter(*sizes) for _ in range(augmenters))

    def forward(self, batch: Batch) -> Sequences:
        """The states of both views, and, where the batch has them, of the histories."""
        B = len(batch.targets)
        states, followed = self.states(batch.rows, batch.targets)
        *h, one, two = states.split(B)
        return Sequences(
            torch.stack([one, two]),
            learnt=0,
            h=h[0] if h else None,
            followed=followed,
            items=batch.targets,
            table=self.table,
            negatives=_sampled(batch)[0],
            log_expected=_sampled(batch)[1],
        )

    def learnt_views(self, z: Tensor) -> Tensor:
        """Each view's state through its own augmenter, rows of length 1: (2, B, D)."""
        return torch.stack([w(h) for w, h in zip(self.augmenters, z, strict=True)])


cl4srec = partial(Mclrec, augmenters=0)  # two views of a history, none of them learned


class Augmenter(nn.Module):
    """A learned view of a state: z = u / |u|, u = W3 gelu(W2 gelu(W1 h)), with biases."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, h: Tensor) -> Tensor:
        """Shapes: (B, D) to (B, D)."""
        for layer in self.layers[:-1]:
            h = gelu(layer(h))
        return normalize(self.layers[-1](h), dim=-1, eps=1e-12)


class Layer(nn.Module):
    """Attention and a feed-forward network, each added and then normalised."""

    def __init__(
        self, width: int, heads: int, inner: int, dropout: float, attention_dropout: float
    ) -> None:
        super().__init__()
        self.multi_head_attention = Attention(width, heads, dropout, attention_dropout)
        self.feed_forward = FeedForward(width, inner, dropout)

    def forward(self, queries: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Shapes: queries: (r, q, D);  x: (r, l, D);  mask: added to scores, (r, 1, q or 1, l)."""
        return self.feed_forward(self.multi_head_attention(queries, x, mask))


class Attention(nn.Module):
    """LN(q + Drop(W Attn(q, x))), scores over sqrt(D / heads), dropout on probabilities."""

    def __init__(self, width: int, heads: int, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        self.heads, self.attention_dropout = heads, attention_dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.dense = nn.Linear(width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPS)
        self.out_dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Shapes: as `Layer`."""
        y = scaled_dot_product_attention(
            self._heads(self.query(queries)),
            self._heads(self.key(x)),
            self._heads(self.value(x)),
            attn_mask=mask,
            dropout_p=self.attention_dropout if self.training else 0.0,
        )
        y = self.dense(y.transpose(1, 2).flatten(2))
        return self.LayerNorm(self.out_dropout(y) + queries)

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (r, heads, l, D / heads)


class FeedForward(nn.Module):
    """LN(x + Drop(W2 gelu(W1 x)))."""

    def __init__(self, width: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.dense_1, self.dense_2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (r, q, D) to (r, q, D)."""
        return self.LayerNorm(self.dropout(self.dense_2(gelu(self.dense_1(x)))) + x)


def _draw(module: nn.Module) -> None:
    """RecBole's initial weights."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def _sampled(batch: Batch) -> tuple[Tensor | None, Tensor | None]:
    if batch.negatives is None:
        return None, None
    return batch.negatives.items, batch.negatives.log_expected
