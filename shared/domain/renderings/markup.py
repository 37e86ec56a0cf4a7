"""HTML and XML in which every text is escaped: only what was made here is markup."""

import re
from html import escape

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, not even escaped; no page needs them either."""

_VOID = frozenset({"input", "meta", "wbr"})


class Markup(str):
    """Text that is markup already; any other text is escaped where it is put in."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str | int | None) -> Markup:
    """An element. Attributes are named as in Python: `class_`, `aria_label`; one that is None is left out."""
    named = {key.strip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opened = "".join((f"<{name}", *(f' {key}="{_escaped(str(value))}"' for key, value in named.items()), ">"))
    return Markup(opened if name in _VOID else f"{opened}{joined(*content)}</{name}>")


def joined(*content: str) -> Markup:
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in content))


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
