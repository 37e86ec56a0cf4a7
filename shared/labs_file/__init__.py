"""How labs.json is read: positions, fields, labs, duplicates; `shared.configuration` is the way in."""
