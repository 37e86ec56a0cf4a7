"""HOW: one effect each, typed in and out, safe to repeat, well under a minute."""
