"""Judges of clips and pictures: what is measured of them, by what, and in which words."""
