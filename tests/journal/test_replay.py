"""What a store keeps at hand is what its entries say, after any sequence of writes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icaform.address import Address
from icaform.journal import Adopted, Begun, Ended, Forgotten, Intent, replay

fresh = itertools.count()
some = st.sampled_from([Address("K", "n", str(item)) for item in range(4)])
learned = st.dictionaries(
    some,
    st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 3) | st.text(max_size=2)),
    max_size=4,
)
steps = st.one_of(
    st.tuples(st.just("begin"), st.integers(1, 3)),
    st.tuples(
        st.just("end"),
        st.integers(1, 12),
        st.sampled_from(["done", "refused", "unknown", "not-sent", "settled"]),
        learned,
    ),
    st.tuples(st.just("adopt"), learned),
    st.tuples(st.just("forget"), st.lists(some, max_size=3)),
    st.tuples(st.just("reopen")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(steps, max_size=14))
def test_the_materialised_memory_equals_the_replay(
    home, intent: Callable[..., Intent], sequence: list[tuple]
) -> None:
    workspace = f"w{next(fresh)}"
    store, written = home.open(workspace), []
    for verb, *values in sequence:
        match verb, values:
            case "begin", [many]:
                for _ in range(many):
                    number = store.begin(intent())
                    written.append(Begun(number, *(getattr(intent(), name) for name in Intent.__slots__)))
            case "end", [number, outcome, facts]:
                entry = Ended(number, outcome, facts, "", 1.0)
                if number <= len(written) and isinstance(written[number - 1], Begun):
                    store.end(number, outcome, facts, "", 1.0)
                    written.append(entry)
                else:
                    with pytest.raises(ValueError):
                        store.end(number, outcome, facts, "", 1.0)
            case "adopt", [facts]:
                store.adopt(facts, 2.0)
                written += [Adopted(facts, 2.0)] if facts else []
            case "forget", [gone]:
                store.forget(gone, 3.0)
                written += [Forgotten(tuple(gone), 3.0)] if gone else []
            case _:
                store.close()
                store = home.open(workspace)
    assert list(store.entries()) == written
    assert store.memory() == replay(written)
    assert store.audit() == []
    store.close()


def test_many_facts_at_once_merge_as_few_do(store) -> None:
    many = {Address("K", "n", str(item)): {"a": item} for item in range(200)}
    store.adopt(many, 1.0)
    store.adopt(
        {address: {"b": 1, "a": None if facts["a"] % 2 else 7} for address, facts in many.items()}, 2.0
    )
    assert store.memory() == replay(store.entries())
    assert store.audit() == []
