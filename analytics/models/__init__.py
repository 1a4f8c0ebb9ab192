from analytics.models.audiences import Audience
from analytics.models.explanations import Explanation
from analytics.models.predictive import ModelVersion, PredictiveModel
from analytics.models.preferences import PreferenceAnswer
from analytics.models.prospects import ProspectRun, ProspectScore
from analytics.models.scores import Score, ScoreRun
from analytics.models.segments import Segment, Segmentation, SegmentationVersion, SegmentMember, SegmentRun
from analytics.models.watch import ModelAlert, Verification

__all__ = [
    "Audience",
    "Explanation",
    "ModelAlert",
    "ModelVersion",
    "PredictiveModel",
    "PreferenceAnswer",
    "ProspectRun",
    "ProspectScore",
    "Score",
    "ScoreRun",
    "Segment",
    "SegmentMember",
    "SegmentRun",
    "Segmentation",
    "SegmentationVersion",
    "Verification",
]
