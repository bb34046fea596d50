"""MovieLens-100k as a graph of movies and the people who liked or disliked them.

798 movies that are exactly one of drama, comedy and action; genres are labels, never features.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import torch
from torch import Generator, Tensor
from torch_geometric.data import HeteroData

from contrast.data.ml_100k import ml_100k_file
from contrast.errors import ConfigError
from contrast_meow.data import GraphData, draw_splits
from contrast_meow.metapaths import parse

GENRES = ("Action", "Comedy", "Drama")
YEARS = (1, 1939, 1949, 1959, 1969, 1979, 1984, 1989, *range(1991, 1998), 2000)
AGES = (17, 24, 34, 44, 49, 55)
LIKED = "movie>rev_liked>user>liked>movie"
DISLIKED = "movie>rev_disliked>viewer>disliked>movie"


def movielens(
    generator: Generator,
    *,
    min_ratings: int,
    labelled: tuple[int, ...],
    validation: int,
) -> GraphData:
    """Movies tied by who liked them (4 and 5 stars) and by who did not (1 to 3).

    Node types: `movie` (year in 16 bins, title words); `user`, one-hot, along what was liked;
    `viewer`, the same people by age, gender and occupation, along what was not.
    """
    movies = target_movies(min_ratings)
    users = read("ml-100k.user")
    ratings = read("ml-100k.inter")
    ratings = ratings[ratings.item_id.isin(movies.item_id)]
    liked = ratings.rating.astype(float) >= 4
    graph = HeteroData()
    graph["movie"].x = movie_features(movies)
    graph["movie"].y = torch.from_numpy(movies.genre.map(GENRES.index).to_numpy(np.int64))
    graph["movie"].ids = [int(name) for name in movies.item_id]
    graph["movie"].titles = list(movies.movie_title + " (" + movies.release_year + ")")
    graph["user"].num_nodes = len(users)
    graph["viewer"].x = person_features(users)
    for person, relation, chosen in (("user", "liked", liked), ("viewer", "disliked", ~liked)):
        who = positions(ratings.user_id[chosen], users.user_id)
        what = positions(ratings.item_id[chosen], movies.item_id)
        graph[person, relation, "movie"].edge_index = torch.stack([who, what])
        graph["movie", f"rev_{relation}", person].edge_index = torch.stack([what, who])
    paths = tuple(parse(text, graph, "movie") for text in (LIKED, DISLIKED))
    labels = graph["movie"].y.numpy()
    splits, notes = draw_splits(labels, labelled, validation, generator)
    return GraphData(
        graph,
        "movie",
        paths,
        graph["movie"].ids,
        labels,
        splits,
        GENRES,
        structure=paths[0],
        notes=notes,
    )


def target_movies(min_ratings: int) -> pd.DataFrame:
    """The movies with enough ratings and exactly one of the genres, with that genre.

    Raises: ConfigError: there is none.
    """
    movies = read("ml-100k.item")
    count = movies.item_id.map(read("ml-100k.inter").item_id.value_counts()).fillna(0)
    found = movies["class"].map(lambda text: sorted(set(text.split()) & set(GENRES)))
    alone = found.map(len) == 1
    chosen = (count >= min_ratings) & alone
    if not chosen.any():
        raise ConfigError(
            f"`data.min_ratings` {min_ratings} leaves no movie: they have up to "
            f"{count[alone].max():.0f} ratings"
        )
    return movies.assign(genre=found.str[0])[chosen].reset_index(drop=True)


def movie_features(movies: pd.DataFrame) -> Tensor:
    """The release year in 16 bins, then the title words that occur in three titles or more.

    A year that is no number ("unkonwn", "V") counts as 0.
    """
    years = pd.to_numeric(movies.release_year, errors="coerce").fillna(0)
    titles = [set(re.findall("[a-z]+", title.lower())) for title in movies.movie_title]
    words, counts = np.unique([word for title in titles for word in title], return_counts=True)
    frequent = words[counts >= 3]
    in_title = torch.tensor([[word in title for word in frequent] for title in titles])
    return torch.cat([in_bins(years, YEARS[:-1]), in_title.float()], 1)


def person_features(users: pd.DataFrame) -> Tensor:
    """Age in 7 bins, gender and occupation, one-hot: 30 columns."""
    kinds = pd.get_dummies(users[["gender", "occupation"]]).to_numpy(np.float32)
    return torch.cat([in_bins(users.age.astype(int), AGES), torch.from_numpy(kinds)], 1)


def in_bins(values: pd.Series, upper: tuple[int, ...]) -> Tensor:
    """One-hot bins: up to each upper edge (included), and above the last."""
    bins = np.searchsorted(upper, values.to_numpy(), side="left")
    return torch.eye(len(upper) + 1)[torch.from_numpy(bins)]


def positions(names: pd.Series, order: pd.Series) -> Tensor:
    """Where each name stands in the order."""
    return torch.from_numpy(pd.Index(order).get_indexer(names).astype(np.int64))


def read(name: str) -> pd.DataFrame:
    """A table of the data set, all text, its columns without their types."""
    table = pd.read_csv(ml_100k_file(name), sep="\t", dtype=str, keep_default_na=False, quoting=3)
    return table.rename(columns=lambda column: column.partition(":")[0])
