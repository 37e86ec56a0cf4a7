"""docs/codes.md tells every code of the app, and no others."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from shared import errors
from tests.contracts.app_source import ROOT, called_name, first_text, nodes

OUR_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
CODE = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)*")
TWO_HUMPS = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+")

NOT_OURS = {
    # Clients and types that are imported late
    *(
        "BlobServiceClient",
        "ComputeManagementClient",
        "ContainerClient",
        "DevTestLabsClient",
        "TokenCredential",
        "LabId",
        "ComputeId",
    ),
    # The parts of an Adaptive Card
    *("AdaptiveCard", "FactSet", "RichTextBlock", "TextRun"),
    # Tags, keys and connections
    *(
        "ConfigurationStorage",
        "FactoryBuilt",
        "FactoryConfiguration",
        "FactoryDigest",
        "FactoryGeneralize",
        "FactoryId",
    ),
    *("FactoryImageState", "FactoryRun", "ImagePath", "ImagePaths", "LabName", "ResourceGroup", "SubscriptionId"),
    # What Azure answers and we only ask for
    *(
        "ActiveSAS",
        "ActiveSASFrozen",
        "BlobAlreadyExists",
        "ContainerAlreadyExists",
        "ContainerNotFound",
        "ContinuedAsNew",
    ),
    *("AllowAll", "ApplyingArtifacts", "AzureActiveDirectory", "DeprovisionRequested", "SysprepRequested"),
    *("CopyIdMismatch", "InvalidRange", "NoPendingCopyOperation", "PendingCopyOperation", "ResourceNotFound"),
}
"""Literals that look like codes and are none. A new one belongs here, or into docs/codes.md."""


def documented() -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", (ROOT / "docs/codes.md").read_text(encoding="utf-8"), re.M)
    return [(code, meaning, next_step) for code, meaning, next_step in rows]


def codes_of_the_app() -> set[str]:
    """Every literal that looks like a code, and everything that an error, outcome or finding is called by.

    A code that is a state of a run, too, has a constant of its name.
    """
    found: set[str] = set()
    named: set[str] = set()
    values_of_enums: set[str] = set()
    for node in nodes():
        match node:
            case ast.ClassDef(bases=[ast.Name(id="StrEnum")]):
                values = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
                values_of_enums |= {value for value in values if isinstance(value, str)}
            case ast.Module(body=body):
                named |= {text for each in body for text in named_as_itself(each)}
            case ast.Constant(value=str(text)) if TWO_HUMPS.fullmatch(text):
                found.add(text)
            case ast.Call() if called_name(node) in OUR_ERRORS:
                found |= {first_text(node) or ""}
            case ast.Call() if called_name(node) in ("Outcome", "Finding"):
                found |= {first_text(node, 1) or ""}
            case _:
                pass
    return (found - NOT_OURS - values_of_enums | named) - {""}


def named_as_itself(node: ast.AST) -> Iterator[str]:
    """`Cancelled` of `CANCELLED = "Cancelled"`."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
            if name == text.upper() and CODE.fullmatch(text):
                yield text
        case _:
            pass


def test_codes_are_pascal_case() -> None:
    assert [code for code in sorted(codes_of_the_app()) if not CODE.fullmatch(code)] == []


def test_every_code_of_the_app_is_documented() -> None:
    assert sorted(codes_of_the_app() - {code for code, _, _ in documented()}) == []


def test_no_code_is_documented_that_the_app_does_not_know() -> None:
    assert sorted({code for code, _, _ in documented()} - codes_of_the_app()) == []


def test_each_code_is_told_once_with_a_meaning_and_a_next_step() -> None:
    assert [code for code, times in Counter(code for code, _, _ in documented()).items() if times > 1] == []
    assert [code for code, meaning, next_step in documented() if not meaning or not next_step] == []


def test_there_are_codes_to_compare() -> None:
    """Also those with one hump, which only their use tells from other words."""
    assert codes_of_the_app() >= {
        "Fenced",
        "Superseded",
        "Overdue",
        "Unfinished",
        "NoEvidence",
        "EntryDots",
        "RunWorking",
    }
