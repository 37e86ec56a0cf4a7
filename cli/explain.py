"""image-factory explain: why a lab gets an image, or why not."""

import click

from cli.app import App
from cli.ending import Exit
from cli.options import output_option, with_app
from cli.printing import say, say_json
from shared.domain.explanation import Explanations, as_text


@click.command(short_help="Tell why a lab gets an image, or why not.")
@click.argument("lab")
@click.argument("image")
@with_app
@output_option
def explain(app: App, lab: str, image: str, output: str) -> Exit:
    """Tell why LAB gets IMAGE, or why not: the rules in the order in which they decide.

    LAB is a name as in labs.json, or SubscriptionId/LabName; IMAGE a path of GoldenImages, or the name of an image.
    """
    answer = app.ask("GET", "explain", {"lab": lab, "image": image})
    if output == "json":
        say_json(answer.plain())
    else:
        say(as_text(answer.read(Explanations).explanations))
    return Exit.DONE
