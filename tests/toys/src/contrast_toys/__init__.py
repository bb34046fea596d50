"""Toy recipes for the tests of the interfaces."""
