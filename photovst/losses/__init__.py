"""The terms of the objective: plain classes, usable in a notebook."""
