"""Nothing secret in a text that leaves the activity that made it."""

import pytest

from shared.redaction import redacted

CANARY = "c4n4ryS3cr3t"
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJ{CANARY}.{CANARY}-_"


@pytest.mark.parametrize(
    "text",
    [
        f"https://a.blob.core.windows.net/c/b.vhd?sv=2026-02-06&sig={CANARY}%2Fx%3D&se=2026",
        f"https://a.blob.core.windows.net/c/b.vhd?SIG={CANARY}",
        f"?sig={CANARY}",
        f'{{"accessSAS": "https://md.blob/x/abcd?sv=1&sig={CANARY}"}}',
        f"source%3Fsv%3D1%26sig%3D{CANARY}%26se%3D2",
        f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={CANARY}==;EndpointSuffix=core.windows.net",
        f"SharedAccessSignature={CANARY}",
        f"client_secret={CANARY}&grant_type=client_credentials",
        f"Authorization: Bearer {CANARY}",
        f"authorization: bearer {CANARY}",
        f"token {JWT} was refused",
        f"-----BEGIN PRIVATE KEY-----\nMII{CANARY}\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(text: str) -> None:
    assert CANARY in text
    assert CANARY not in redacted(text)
    assert CANARY not in redacted(f"first {text} then {text}")


def test_what_is_around_a_secret_stays_readable() -> None:
    text = f"Could not copy https://a.blob/c/b.vhd?sv=1&sig={CANARY}&se=2026: 403 CannotVerifyCopySource"
    assert redacted(text) == "Could not copy https://a.blob/c/b.vhd?sv=1&sig=***&se=2026: 403 CannotVerifyCopySource"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The design=x of the signature is fine.",
        "Could not read the lab /subscriptions/1/resourceGroups/rg/providers/Microsoft.DevTestLab/labs/lab: 403",
        "eyJ is how a token begins",
    ],
)
def test_a_text_without_secrets_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text
