"""The API of campaigns and leads: the same verbs, rows and rules as the pages."""
