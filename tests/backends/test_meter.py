"""Counting, prices and hard limits."""

from __future__ import annotations

import json
import pickle
import threading

import pytest

from emosim.backends import Meter, Price, load_prices
from emosim.backends.meter import estimate_tokens
from emosim.errors import BudgetExceeded, UsageError
from emosim.usage import Usage


def test_prices_from_toml_and_json(tmp_path):
    table = {"gpt-x": {"input": 1.0, "output": 2.5, "cached": 0.1}}
    (tmp_path / "prices.json").write_text(json.dumps(table))
    (tmp_path / "prices.toml").write_text('["gpt-x"]\ninput = 1.0\noutput = 2.5\ncached = 0.1\n')
    expected = {"gpt-x": Price(input=1.0, output=2.5, cached=0.1)}
    assert (
        load_prices(table) == load_prices(tmp_path / "prices.json") == load_prices(tmp_path / "prices.toml") == expected
    )


@pytest.mark.parametrize("content", ['{"m": {"input": 1}}', '{"m": {"input": 1, "output": 1, "inptu": 2}}', "{"])
def test_wrong_prices_are_one_line(tmp_path, content):
    path = tmp_path / "prices.json"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        load_prices(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_price_file():
    with pytest.raises(UsageError, match="No such file"):
        Meter(prices="/nowhere.toml")


def test_cached_tokens_are_cheaper():
    price = Price(input=10.0, output=20.0, cached=1.0)
    assert price.of(Usage(1, 1_000_000, 0, 500_000)) == pytest.approx(5.5)


def test_model_is_found_behind_its_provider():
    assert Meter(prices={"gpt-x": {"input": 1, "output": 1}}).price_of("azure/gpt-x") is not None


def test_estimates_do_not_starve_chinese():
    assert estimate_tokens("a" * 400) == 100
    assert estimate_tokens("我" * 400) == 300


def test_holds_count_until_settled(ask):
    meter = Meter(max_calls=2)
    first, _ = meter.reserve(ask(), None), meter.reserve(ask(), None)
    with pytest.raises(BudgetExceeded):
        meter.reserve(ask(), None)
    meter.settle(first, Usage(0, 5, 5))
    with pytest.raises(BudgetExceeded):
        meter.reserve(ask(), None)
    assert meter.usage().calls == 1


def test_unknown_price_makes_the_sum_unknown(ask):
    meter = Meter()
    meter.settle(meter.reserve(ask(), Price(input=1, output=1)), Usage(0, 10, 10))
    assert meter.usage().cost == pytest.approx(2e-5)
    meter.settle(meter.reserve(ask(), None), Usage(0, 10, 10))
    assert meter.usage().cost is None


def test_many_threads_and_a_pickle(ask):
    meter = Meter(max_calls=500)
    refused = []

    def spend():
        for _ in range(100):
            try:
                meter.settle(meter.reserve(ask(), None), Usage(0, 1, 1))
            except BudgetExceeded:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (meter.usage().calls, len(refused)) == (500, 300)
    assert pickle.loads(pickle.dumps(meter)).usage() == meter.usage()
