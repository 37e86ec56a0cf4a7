"""A run's report for people and programs: a page, Markdown, JUnit. Pure functions over `RunReport`."""
