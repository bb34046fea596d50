from contrast.testing.battery import battery

TINY = ("data.train=12", "data.test=6", "sampler.batch_size=12", "encoder.hidden=8")
SMALL = (*TINY, "encoder.common_width=4", "encoder.salient_width=3", "encoder.projection=8")

TestSepclr = battery("sepclr", *SMALL)
TestFitted = battery("sepclr", *SMALL, "objective.mi_term=vclub")
TestSupervised = battery("sepclr", *SMALL, "objective=supervised")
