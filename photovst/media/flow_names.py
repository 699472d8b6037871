"""What files of flow and certainty are called, as the program of [Ruder2016] names them: frames count from 1."""

from __future__ import annotations


def flow_stem(start: int, end: int) -> str:
    """The name, without suffix, of the file of flow from a frame to another, both counted from 0.

    >>> flow_stem(0, 1), flow_stem(1, 0)
    ('forward_1_2', 'backward_2_1')
    """
    return f"{'forward' if start < end else 'backward'}_{start + 1}_{end + 1}"


def certainty_name(start: int, end: int) -> str:
    """The file of its certainty.

    >>> certainty_name(0, 1)
    'reliable_1_2.pgm'
    """
    return f"reliable_{start + 1}_{end + 1}.pgm"
