"""A local page over a finished MEOW run: `contrast explore RUN`."""
