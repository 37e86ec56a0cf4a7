"""Text files as editors and Windows PowerShell write them: UTF-8 with or without BOM, UTF-16 with BOM (X12)."""

import codecs

from shared.errors import ConfigurationError


class NotTextError(ConfigurationError):
    """The bytes are no text from this line on."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__("NotText", message, "Save the file as UTF-8.")
        self.line = line


def decode_text(data: bytes) -> str:
    """The text without its BOM; raises NotTextError rather than guess an encoding."""
    encoding, start = _encoding(data)
    try:
        text = data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        line = data[start : start + error.start].decode(encoding).count("\n") + 1
        message = f"The file does not decode as {encoding.upper()}: byte {start + error.start}, on line {line}."
        raise NotTextError(message, line) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise NotTextError(f"The file contains NUL characters when read as {encoding.upper()}.", line)
    return text


def well_formed(text: str) -> str:
    """The text with U+FFFD for each lone surrogate: JSON can escape one (half an emoji, cut off), and nothing can encode it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _encoding(data: bytes) -> tuple[str, int]:
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(bom):
            return encoding, len(bom)
    return "utf-8", 0
