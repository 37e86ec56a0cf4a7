"""The factory on one's own machine: the simulator, the host and the app, started together, watched and stopped."""
