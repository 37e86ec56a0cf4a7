"""Property tests are the same on every machine and in every run: no time limit for an example, no random seed."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("steady")
