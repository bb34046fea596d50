"""What plugin authors run: conformance battery, reference vectors, a toy plugin, faults.

from contrast.testing.battery import battery

TestMine = battery("mine")
"""
