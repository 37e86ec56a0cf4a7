"""WHEN: order, fan-out, waiting, deadlines; pure generators."""
