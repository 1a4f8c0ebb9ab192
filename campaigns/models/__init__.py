from campaigns.models.campaign import Arm, Campaign, Offer
from campaigns.models.changes import Change
from campaigns.models.handover import LeadHandover
from campaigns.models.leads import FollowUp, Lead, LeadNote, Push
from campaigns.models.planning import MarketingPlan, PlanTarget
from campaigns.models.policy import ContactRule
from campaigns.models.results import EvaluationReport
from campaigns.models.targets import Selection, Target
from campaigns.models.universal import UniversalControl, UniversalMember

__all__ = [
    "Arm",
    "Campaign",
    "Change",
    "ContactRule",
    "EvaluationReport",
    "FollowUp",
    "Lead",
    "LeadHandover",
    "LeadNote",
    "MarketingPlan",
    "Offer",
    "PlanTarget",
    "Push",
    "Selection",
    "Target",
    "UniversalControl",
    "UniversalMember",
]
