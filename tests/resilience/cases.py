"""The cases: what is done to the reference run, and what must hold afterwards.

A case is a text such as `E1 17:503:x2`. Whoever has the text can have the case again, to the last call.
"""

from tests.resilience.checker import Violation
from tests.resilience.happenings import HAPPENINGS
from tests.resilience.laboratory import Laboratory, Stuck
from tests.resilience.reference import reference_configuration
from tests.resilience.sweeps import SWEEPS
from tests.resilience.trial import Trial, Verdict, baseline
from tests.resilience.two_factories import TWO_FACTORIES

EXPERIMENTS = {experiment.name: experiment for experiment in (*SWEEPS, *HAPPENINGS, *TWO_FACTORIES)}


def play(laboratory: Laboratory, case: str) -> Verdict:
    """Play a case from its text."""
    name, _, text = case.partition(" ")
    experiment = EXPERIMENTS[name]
    baseline(laboratory)
    with laboratory.case(experiment.world(text), reference_configuration(), experiment.conditions(text)):
        trial = Trial(laboratory)
        try:
            experiment.play(trial, text)
        except Stuck as stuck:
            trial.violations.append(Violation("ends", str(stuck)))
        except Exception as error:
            # A bug of the laboratory's own: one case, not all that come after it.
            trial.violations.append(Violation("laboratory", repr(error)))
        return Verdict(
            case, trial.violations, laboratory.troubles.injected + len(laboratory.watch.died_at) + trial.done
        )
