"""The command line `image-factory`: a client of the app's API, and the check of labs.json without any app."""
