from photovst.models.ade20k_classes import CLASSES, OTHER


def test_there_are_150_names_each_once() -> None:
    assert len(CLASSES) == len(set(CLASSES)) == 150
    assert OTHER not in CLASSES
    assert all(name == name.strip().lower() != "" for name in CLASSES)


def test_names_stand_at_their_ids() -> None:
    # Of the benchmark's objectInfo150.txt.
    known = {1: "wall", 3: "sky", 7: "road", 13: "person", 22: "water", 44: "signboard", 61: "river", 81: "bus"}
    known |= {91: "airplane", 103: "van", 114: "waterfall", 127: "animal", 129: "lake", 137: "traffic light"}
    known |= {141: "pier", 150: "flag"}
    assert {number: CLASSES[number - 1] for number in known} == known
