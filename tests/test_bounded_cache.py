"""`BoundedCache`, and the names whose types a `Btf` keeps."""

from __future__ import annotations

import random
import threading

import btf_writer
import pytest
from btf_writer import BtfWriter

import btfmmap
from btfmmap import Btf, NotFoundError
from btfmmap.bounded_cache import BoundedCache


def test_the_first_value_stays() -> None:
    cache = BoundedCache(2)
    first = object()
    assert cache.keep("key", first) is first
    assert cache.keep("key", object()) is first
    assert cache.get("key") is first


@pytest.mark.parametrize("limit", [0, 1, 7, 100])
def test_costs_stay_within_the_limit(limit: int) -> None:
    chance = random.Random(limit)
    cache = BoundedCache(limit)
    for key in range(1000):
        cost = chance.randrange(1, 12)
        assert cache.keep(key, cost, cost) == cost
        assert (key in cache) == (cost <= limit)
        assert sum(cache.values()) <= limit


def test_threads_get_the_same_value() -> None:
    cache = BoundedCache(1000)
    barrier = threading.Barrier(8)
    kept: list[list[object]] = [[] for _ in range(8)]

    def work(number: int) -> None:
        barrier.wait()
        kept[number] = [cache.keep(key, object()) for key in range(500)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(items == kept[0] for items in kept)


def test_another_key_for_what_is_still_kept() -> None:
    cache = BoundedCache(3)
    first, second = object(), object()
    cache.keep("id", first)
    cache.keep_also("name", first, "id")
    assert cache.get("name") is first
    cache.keep("other", object(), 2)  # starts again empty
    cache.keep("id", second)
    cache.keep_also("name", first, "id")
    assert cache.get("name") is None
    cache.keep_also("name", second, "id")
    assert cache.get("name") is second


@pytest.fixture
def many() -> Btf:
    """More structs than a `Btf` keeps names; each name is also that of a typedef of an enum."""
    writer = BtfWriter()
    for number in range(3000):
        writer.add_struct(f"s{number}", number, [])
        enum = writer.add_enum(f"e{number}", [])
        writer.add(btf_writer.TYPEDEF, f"s{(number + 7) % 3000}", size_or_type=enum)
    return btfmmap.open(data=writer.build())


class Name(str):
    """A name that is not equal to itself."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return False


def test_many_names_in_any_order(many: Btf) -> None:
    numbers = [*range(3000), *random.Random(1).choices(range(3000), k=3000), *[5] * 10]
    for number in numbers:
        assert many.layout(f"s{number}").type.size == number
        assert many.dtype(f"e{number}").itemsize == 4
        with pytest.raises(NotFoundError):
            many.layout(f"t{number}")


def test_the_answer_depends_on_the_question(many: Btf) -> None:
    for _ in range(3):
        assert many.layout("s1").type.size == 1  # the struct
        assert many.c_declaration("s2").startswith("struct s2 {")
        assert many.c_declaration("e2").startswith("enum e2")


def test_other_strings_are_names_too(many: Btf) -> None:
    for _ in range(3):
        assert many.layout(Name("s2")).type.size == 2


def test_names_after_close(many: Btf) -> None:
    many.layout("s1")
    many.close()
    with pytest.raises(ValueError, match="this Btf is closed"):
        many.layout("s1")
