"""Tables and sentences of a page: display names, digits, and what is said of which samples."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.book.prose import say
from helpers.book.tables import element_table, table, title_of
from helpers.structure import element_shares
from helpers.uncertainty import Estimate


def test_rows_bear_display_names_and_columns_their_digits():
    made = table(
        {
            "atoms": {"Pd1": np.int64(52308), "random packing": 4000},
            "share [%]": {"Pd1": 2.1756, "random packing": -0.004},
            "sure": {"Pd1": Estimate(26107.2, {"positions": 5500.0}), "all": True},
        },
        places={"share [%]": 2},
    )
    assert made.index.tolist() == ["Pd 1", "random packing", "all"]
    assert made["atoms"].tolist() == ["52,308", "4,000", "–"]
    assert made["share [%]"].tolist() == ["2.18", "0.00", "–"]
    assert made["sure"].tolist() == ["26,100 ± 5,500", "–", "yes"]


def test_nothing_is_written_as_nan():
    made = table({"x": {"a": np.nan, "b": None, "c": Estimate(float("nan")), "d": "as it is"}}, places=1)
    assert made["x"].tolist() == ["–", "–", "–", "as it is"]


def test_an_estimate_without_error_keeps_the_places_asked_for():
    made = table({"x": {"a": Estimate(2.5607), "b": Estimate(2.5607, {"p": 0.3})}}, places=2)
    assert made["x"].tolist() == ["2.56", "2.56 ± 0.30"]


def test_elements_beside_what_chance_gives():
    glass = {"caps": element_shares(["Cu", "Cu", "Zr", "Zr"], [2, 1, 0, 0]), "ring": element_shares("Cu", [0, 0])}
    made = element_table({"demo": glass, "mine": {"caps": element_shares(["Pd", "Cu"], [1, 1])}})
    assert made.index.tolist() == [
        "simulated particle: Cu", "simulated particle: Zr", "mine: Cu", "mine: Pd",
    ]  # fmt: skip
    assert made["caps [%]"].tolist() == ["100.0", "0.0", "50.0", "50.0"]
    assert made["caps by chance [%]"].tolist()[::2] == ["50 ± 32", "50.0"]  # of two atoms both: nothing to draw
    assert made["ring [%]"].tolist() == ["–", "–", "–", "–"]
    assert element_table({}) is None


def test_titles_of_samples_and_of_others():
    assert title_of("Ta") == "Ta film"
    assert title_of("fcc") == "fcc"


def test_a_sentence_for_what_ran():
    words = {"published": "They\nmeet. ", "simulated": "It\nmeets.\n\nAgain."}
    assert say(measured=True, **words).data == "They meet."
    assert say(measured=False, **words).data == "It meets.\n\nAgain."
    assert say("Always\n  true.").data == "Always true."
    assert say(measured=None, **words) is None  # a reader's own samples: neither is true of them
    with pytest.raises(ValueError, match="no passage for measured=False; expected text, or both"):
        say(measured=False, published="They meet.")
