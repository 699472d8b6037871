"""Sweeps: many runs from one file, in turn or on Ray, with one table at the end."""
