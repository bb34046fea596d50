"""Alignment of language models: preference objectives on lists of scored responses."""
