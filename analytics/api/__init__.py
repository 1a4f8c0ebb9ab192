"""The API of models and segmentations: the pages' verbs and rows."""
