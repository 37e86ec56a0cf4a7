"""Python imports this first where PYTHONPATH names its folder: it notes what the process connects to and which programs it starts.

A line each in the file `OUTBOUND`: "connect <host> <port>", "resolve <host>", "program <name>".
"""

import os
import sys
from typing import Any

_PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"}
_file = os.open(os.environ["OUTBOUND"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        host, port, *_ = arguments[1] if isinstance(arguments[1], tuple) else (arguments[1], "")
        os.write(_file, f"connect {host} {port}\n".encode())
    elif event == "socket.getaddrinfo":
        os.write(_file, f"resolve {arguments[0]}\n".encode("utf-8", "backslashreplace"))
    elif event in _PROGRAMS:
        os.write(_file, f"program {arguments[0]!r}\n".encode("utf-8", "backslashreplace"))


sys.addaudithook(_note)
