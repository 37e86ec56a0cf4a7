"""Write configuration/labs.schema.json anew from the reader's model (`make schema`)."""

from local.factory.session import REPOSITORY
from shared.labs_file.schema import schema_text

SCHEMA = REPOSITORY / "configuration" / "labs.schema.json"

if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), "utf-8")
