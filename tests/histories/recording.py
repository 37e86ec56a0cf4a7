"""Record the histories of the reference run: `python -m tests.histories.recording`, after an orchestrator was changed on purpose.

A deployment meets orchestrations that began under the code before it. What is recorded here is replayed by today's code: where
it does something else, running instances would be lost, and the next deployment has to wait until none runs.
"""

import json
from pathlib import Path
from typing import Any

from tests.resilience.laboratory import Conditions, Laboratory
from tests.resilience.reference import reference_configuration, reference_world

RECORDED = Path(__file__).with_name("recorded.json")


def main() -> None:
    """One instance of each orchestrator, the one with the longest history."""
    laboratory = Laboratory()
    longest: dict[str, dict[str, Any]] = {}
    with laboratory.case(reference_world(), reference_configuration(), Conditions()):
        laboratory.run()
        for instance in sorted(laboratory.hub.all(), key=lambda instance: instance.id):
            history = laboratory.hub.history(instance)
            if len(history) > len(longest.get(instance.name, {"history": []})["history"]):
                longest[instance.name] = {
                    "id": instance.id,
                    "input": instance.input,
                    "output": instance.output,
                    "history": history,
                }
    RECORDED.write_text(json.dumps(longest, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
