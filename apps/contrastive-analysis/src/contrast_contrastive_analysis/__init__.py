"""A local page over a finished SepCLR run: neighbours by what is common and by what is salient."""
