"""Many threads read values of types that nobody has read before, at the same moment. Run as a process: it may die of it."""

import sys
from dataclasses import field, make_dataclass
from threading import Barrier, Thread
from typing import Any

from shared.wire import from_plain

TYPES, THREADS = 100, 8
PLAIN = {"mid": {"one": {"a1": 1}, "many": [{"a2": 2}], "b3": "x"}, "more": {"k": {"b1": "y"}}, "c1": 1.5}


def fresh() -> Any:
    """A dataclass with others in it."""
    inner = make_dataclass("Inner", [(f"a{number}", int, 0) for number in range(12)])
    texts = [(f"b{number}", str, "") for number in range(12)]
    mid = make_dataclass("Mid", [("one", inner, field(default_factory=inner)), ("many", tuple[inner, ...], ()), *texts])
    more = ("more", dict[str, mid], field(default_factory=dict))
    return make_dataclass(
        "Outer", [("mid", mid | None, None), more, *[(f"c{n}", float | None, None) for n in range(12)]]
    )


def main() -> None:
    sys.setswitchinterval(1e-6)
    read: list[Any] = []
    for _ in range(TYPES):
        kind, gate = fresh(), Barrier(THREADS)

        def reads(kind: Any = kind, gate: Barrier = gate) -> None:
            gate.wait()
            read.append(from_plain(PLAIN, kind))

        threads = [Thread(target=reads) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(sum(value.mid.many[0].a2 == value.mid.one.a1 * 2 for value in read))


if __name__ == "__main__":
    main()
