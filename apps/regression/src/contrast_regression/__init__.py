"""A local page that regresses on a table: `contrast regress`."""
