"""Hyper-parameters of each data set and method: the official code's, and our own for MovieLens.

Lists hold one value a meta-path, in the order in which the data name them.
"""

from __future__ import annotations

from typing import Any

Preset = dict[str, dict[str, Any]]

PRESETS: dict[str, Preset] = {
    "movielens": {
        "sampler": {"neighbours": (30,), "edge_masks": (0.2,), "clusters": (100, 200)},
        "objective": {"temperature": 0.4, "prototype_weight": 1.0},
        "trainer": {"lr": 1e-3, "patience": 30, "threads": 1},  # a second one gains nothing
        "evaluation": {"probe_lr": 0.03},
    },
    "acm": {
        "sampler": {
            "feature_mask": 0.3,
            "edge_masks": (0.3, 0.2),
            "neighbours": (110, 700),
            "clusters": (100, 300),
        },
        "objective": {"temperature": 0.4, "prototype_weight": 1.0},
        # The official limit is 10000; no run that was watched stopped by itself before 100.
        "trainer": {"lr": 7e-4, "patience": 30, "max_epochs": 100},
        "evaluation": {"probe_lr": 0.03},
    },
    "dblp": {
        "sampler": {
            "feature_mask": 0.2,
            "edge_masks": (0.2, 0.5, 0.6),
            "neighbours": (25, 200, 40),
            "clusters": (200, 700),
        },
        "encoder": {"drop_masked": False},
        "objective": {"temperature": 0.9, "prototype_weight": 1.0},
        "trainer": {"lr": 6e-4, "patience": 35, "max_epochs": 10000},
        "evaluation": {"probe_lr": 0.01},
    },
    "aminer": {
        "sampler": {
            "feature_mask": 0.2,
            "edge_masks": (0.7, 0.4),
            "neighbours": (5, 21),
            "clusters": (500, 1200),
        },
        "objective": {"temperature": 0.9, "prototype_weight": 0.1},
        "trainer": {"lr": 7e-4, "patience": 25, "max_epochs": 10000},
        "evaluation": {"probe_lr": 0.1, "probe_weight_decay": 8e-4},
    },
    "imdb": {
        "sampler": {
            "feature_mask": 0.3,
            "edge_masks": (0.1, 0.1, 0.1),
            "neighbours": (70, 10, 70),
            "clusters": (500, 700),
        },
        "objective": {"temperature": 0.9, "prototype_weight": 1.0},
        "trainer": {"lr": 1e-4, "weight_decay": 1e-3, "patience": 15, "max_epochs": 10000},
        "evaluation": {"probe_lr": 0.01},
    },
}

ADA_PRESETS: dict[str, Preset] = {
    "movielens": {
        "sampler": {"feature_mask": 0.2, "edge_masks": (0.2,), "neighbours": (30,)},
        "encoder": {"dropout": 0.2},
        "objective": {"temperature": 0.9},
        "trainer": {
            "lr": 5e-4,
            "weight_decay": 5e-4,
            "max_epochs": 1000,
            "evaluate_from": 100,
            "threads": 1,
        },
        "evaluation": {"probe_lr": 0.03},
    },
    "acm": {
        "sampler": {"feature_mask": 0.3, "edge_masks": (0.2,), "neighbours": (690, 690)},
        "encoder": {"dropout": 0.3},
        "objective": {"temperature": 1.0},
        "trainer": {
            "lr": 5e-5,
            "weight_decay": 1e-5,
            "max_epochs": 1200,
            "evaluate_from": 500,
        },
        "evaluation": {"probe_lr": 0.03},
    },
    "dblp": {
        "sampler": {"feature_mask": 0.1, "edge_masks": (0.3,), "neighbours": (25, 200, 40)},
        "encoder": {"dropout": 0.2, "drop_masked": False},
        "objective": {"temperature": 0.9},
        "trainer": {
            "lr": 1e-4,
            "weight_decay": 1e-3,
            "max_epochs": 1500,
            "evaluate_from": 900,
        },
        "evaluation": {"probe_lr": 0.01},
    },
    "aminer": {
        "sampler": {"feature_mask": 0.0, "edge_masks": (0.0,), "neighbours": (8, 31)},
        "encoder": {"dropout": 0.0, "projection": 16},
        "objective": {"temperature": 0.9},
        "trainer": {
            "lr": 1e-4,
            "weight_decay": 1e-4,
            "max_epochs": 3000,
            "evaluate_from": 2600,
        },
        "evaluation": {"probe_lr": 0.3, "probe_weight_decay": 1e-3},
    },
    "imdb": {
        "sampler": {"feature_mask": 0.3, "edge_masks": (0.1,), "neighbours": (70, 10, 70)},
        "encoder": {"dropout": 0.1},
        "objective": {"temperature": 0.9},
        "trainer": {
            "lr": 5e-4,
            "weight_decay": 5e-4,
            "max_epochs": 1000,
            "evaluate_from": 100,
        },
        "evaluation": {"probe_lr": 0.01},
    },
}
