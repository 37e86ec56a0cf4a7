"""WHAT the factory knows: nouns and decisions; pure, standard library only."""
