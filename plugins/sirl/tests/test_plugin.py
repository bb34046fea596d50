import numpy as np

from contrast.testing.battery import battery


def own_files(folder):
    """Twelve walks of unequal length with answers and preferences, as a user would write them."""
    draw = np.random.default_rng(0)
    lines = ["trajectory,step,x,y"]
    for walk in range(12):
        place = draw.normal(size=2)
        for step in range(4 + walk % 3):
            place = place + draw.normal(size=2)
            lines.append(f"w{walk},{step},{place[0]:.3f},{place[1]:.3f}")
    (folder / "walks.csv").write_text("\n".join(lines) + "\n")
    asked = ["first,second,third,odd,annotator,time"]
    pairs = ["first,second,preferred,annotator,time"]
    for _ in range(20):
        a, b, c = draw.permutation(12)[:3]
        asked.append(f"w{a},w{b},w{c},w{c},ada,2026-01-01")
        pairs.append(f"w{a},w{b},w{a},ada,2026-01-01")
    (folder / "answers.csv").write_text("\n".join(asked) + "\n")
    (folder / "pairs.csv").write_text("\n".join(pairs) + "\n")
    return [
        f"data.path={folder / 'walks.csv'}",
        f"data.answers={folder / 'answers.csv'}",
        f"data.preferences={folder / 'pairs.csv'}",
    ]


def with_features(folder):
    """The same walks without answers: a simulated person answers by two features."""
    path = own_files(folder)[0]
    lines = [f"w{walk},{walk % 5},{walk / 7:.3f}" for walk in range(12)]
    (folder / "features.csv").write_text("\n".join(["trajectory,far,high", *lines]) + "\n")
    return [path, f"data.features={folder / 'features.csv'}"]


TestSirl = battery("sirl", "evaluation.compare=[]", "evaluation.people=2")
TestOwn = battery("sirl", "data=trajectories", prepare=own_files)
TestActive = battery(
    "sirl",
    "data=trajectories",
    "sampler=active",
    "sampler.queries=14",
    "sampler.first=8",
    "sampler.round=4",
    "sampler.round_steps=3",
    "objective=choice_ce",
    prepare=with_features,
)
