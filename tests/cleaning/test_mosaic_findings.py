"""
Findings about the planes of a mosaic are told in one sentence.
"""

from ccdproc_crplugin import Finding
from ccdproc_crplugin.cleaning.mosaic_findings import joined_findings

NAMES = ("R", "G1", "G2", "B")


def joined(*findings):
    return list(joined_findings([[finding] for finding in findings], NAMES))


def test_what_is_the_same_for_all_planes_is_said_once():
    found = Finding("noise", "ok", "not measured")
    assert joined(*[found] * 4) == [found]


def test_numbers_that_differ_stand_side_by_side():
    (found,) = joined(*(Finding("noise", "ok", f"noise is {k}.5 electron, of 7") for k in range(4)))
    assert found.message == "noise is 0.5/1.5/2.5/3.5 electron, of 7 (planes R/G1/G2/B)"


def test_only_the_worst_is_told_with_its_planes():
    fine, bad = Finding("noise", "ok", "fine"), Finding("noise", "fail", "The noise is 3.", 4, fix="give it")
    (found,) = joined(fine, bad, bad, fine)
    assert found.status == "fail"
    assert found.message == "The noise is 3 (planes G1/G2)."
    assert found.fix == "give it"


def test_unlike_sentences_follow_each_other():
    (found,) = joined(*(Finding("noise", "warn", text) for text in ("A.", "B.", "B.", "A.")))
    assert found.message == "A (planes R/B). B (planes G1/G2)."


def test_a_check_may_find_several_things_or_nothing():
    one = Finding("noise", "ok", "one")
    assert len(list(joined_findings([[one, one], [one], [], [one]], NAMES))) == 2
    assert list(joined_findings([[], [], [], []], NAMES)) == []


def test_advice_has_one_number_the_one_in_the_middle():
    gains = ("17.7", "20.8", "20.1", "19.0")
    (found,) = joined(*(Finding("noise", "warn", f"gain {gain}", fix=f"give gain={gain}") for gain in gains))
    assert found.fix == "give gain=19.0"
    assert "17.7/20.8/20.1/19.0" in found.message
