"""The composition root: one module for each thing that a person asks for, with all rooms put together for it.

`workplace` opens a job's parts; the others plan, write, go on, take back, look after what is remembered, and make
jobs, profiles and snapshots. The command line and Python call these modules; they print nothing.
"""
