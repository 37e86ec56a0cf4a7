"""Sizes and times as people say them."""


def size(size_bytes: int | None) -> str:
    """In MiB, GiB or TiB; empty for what is not known."""
    if size_bytes is None:
        return ""
    if size_bytes < 2**30:
        return f"{size_bytes / 2**20:,.1f} MiB"
    return f"{size_bytes / 2**30:,.1f} GiB" if size_bytes < 2**40 else f"{size_bytes / 2**40:,.1f} TiB"


def duration(seconds: float | None) -> str:
    """In seconds, minutes or hours; empty for what is not known."""
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"
