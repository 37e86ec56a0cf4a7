"""Nothing secret in a text that leaves the activity that made it."""

import re

_SECRETS = re.compile(
    r"(?P<name>(?:\b|(?<=%26)|(?<=%3F))(?:sig|AccountKey|SharedAccessSignature|client_secret)(?:=|%3D))[^&\s\"';]+"
    r"|(?P<token>\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
    r"|(?P<bearer>\bBearer\s+)\S+"
    r"|(?P<pem>-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----)",
    re.IGNORECASE | re.DOTALL,
)


def redacted(text: str) -> str:
    """`text` without the signatures, keys, tokens and certificates that may stand in it."""
    return _SECRETS.sub(lambda found: (found["name"] or found["bearer"] or "") + "***", text)
