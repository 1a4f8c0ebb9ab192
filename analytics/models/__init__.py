from analytics.models.audiences import Audience
from analytics.models.predictive import ModelVersion, PredictiveModel
from analytics.models.scores import Score, ScoreRun

__all__ = ["Audience", "ModelVersion", "PredictiveModel", "Score", "ScoreRun"]
