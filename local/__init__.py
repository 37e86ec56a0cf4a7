"""Development only: Azure and a Functions host on this machine. Never imported by the app, never deployed."""
