"""Carries out a plan and nothing else: journal before bytes, answers settled, everything read back."""
