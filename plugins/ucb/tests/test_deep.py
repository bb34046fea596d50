from contrast.testing.battery import battery

SMALL = (
    "method=deep",
    "sampler.warmup=40",
    "sampler.envs=2",
    "sampler.batch_size=8",
    "encoder.width=8",
    "encoder.rank=6",
    "evaluation.episodes=2",
)

TestDeep = battery("ucb", *SMALL, "data=deepsea", "data.size=4")
TestOfficial = battery(
    "ucb", *SMALL, "objective=spr", "reference=official", "encoder.atoms=11", "sampler.jumps=2"
)
