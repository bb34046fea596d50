"""A local page on which people teach a robot by clicks."""
