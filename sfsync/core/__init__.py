"""The pure core: values in, values out. No IO, no clock, no randomness, no environment.

Everything that decides what is written to an org lives here, so that it can be tested without one.
"""
