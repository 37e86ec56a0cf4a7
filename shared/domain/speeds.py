"""Which work a free lane takes next: what will probably take longest, by the speeds seen in this run.

Copies into one storage account are alike, accounts are not: their speeds differ by a factor of ten and more. The first copy into an
account tells its speed within seconds, so every account is tried early, and the long copies do not come last.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Load:
    """What a piece of work writes, and into which storage account."""

    account: str
    size_bytes: int


@dataclass(frozen=True)
class Speed:
    """Of one account: how many copies were begun, how many told their progress, the mean seconds for a GiB of those."""

    begun: int = 0
    told: int = 0
    seconds_per_gib: float = 0.0


def next_index(left: Sequence[int], loads: Sequence[Load], speeds: Mapping[str, Speed]) -> int:
    """One of `left`: untried accounts first, then the longest by prediction; of equals, of the account with most left to do.

    Where no speed is known yet the mean of the others is taken; what is still equal goes from the end of the plan.
    """
    told = [speed for speed in speeds.values() if speed.told]
    copies = sum(speed.told for speed in told)
    mean = sum(speed.seconds_per_gib * speed.told for speed in told) / copies if copies else 1.0
    to_do: Counter[str] = Counter()
    for index in left:
        to_do[loads[index].account] += loads[index].size_bytes

    def rank(index: int) -> tuple[bool, float, int, int]:
        load = loads[index]
        speed = speeds.get(load.account, Speed())
        seconds = (speed.seconds_per_gib if speed.told else mean) * load.size_bytes
        return not speed.begun, seconds, to_do[load.account], index

    return max(left, key=rank)


def begun(speeds: Mapping[str, Speed], account: str) -> dict[str, Speed]:
    """The speeds once a copy into `account` is begun."""
    speed = speeds.get(account, Speed())
    return {**speeds, account: replace(speed, begun=speed.begun + 1)}


def written(speeds: Mapping[str, Speed], load: Load, seconds: float) -> int:
    """How much of a copy is probably written after so many seconds; none where its account has told no speed yet."""
    speed = speeds.get(load.account, Speed())
    expected = seconds / speed.seconds_per_gib * 2**30 if speed.seconds_per_gib else 0
    return min(int(expected), load.size_bytes)


def told(speeds: Mapping[str, Speed], account: str, seconds: float, done_bytes: int) -> dict[str, Speed]:
    """The speeds once a copy into `account` has told that it wrote so much in so long."""
    speed = speeds.get(account, Speed())
    observed = seconds / (done_bytes / 2**30)
    mean = (speed.seconds_per_gib * speed.told + observed) / (speed.told + 1)
    return {**speeds, account: replace(speed, told=speed.told + 1, seconds_per_gib=round(mean, 6))}
