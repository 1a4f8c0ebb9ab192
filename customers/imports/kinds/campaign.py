"""Past campaigns: who was put into which cell, who was contacted, who responded, with what value."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.imports.kinds.declaration import Kind, Target, Type, of_model
from customers.imports.kinds.holdings import customer_target
from customers.models import Assignment, Contact, ImportFile, Response

RESPONSES = ("visit", "interest", "conversion", "refusal")


KIND = Kind(
    code=ImportFile.Kind.CAMPAIGN,
    model=None,
    targets=(
        customer_target(),
        Target(
            name="cell",
            label=_("Arm or control"),
            type=Type.TEXT,
            length=40,
            required=True,
            synonyms=("arm", "segment", "group", "treatment", "分组", "活动组"),
        ),
        Target(
            name="is_control",
            label=_("Is control"),
            type=Type.FLAG,
            synonyms=("control", "对照组", "是否对照"),
        ),
        Target(
            name="assigned_on",
            label=_("Assigned on"),
            type=Type.DATE,
            required=True,
            in_past=True,
            synonyms=("assigned", "assignment date", "分配日期", "活动日期"),
        ),
        of_model(Assignment, "score", type=Type.DECIMAL, whole=9, places=12, synonyms=("propensity", "评分")),
        Target(
            name="is_contacted",
            label=_("Was contacted"),
            type=Type.FLAG,
            synonyms=("contacted", "是否接触", "已接触"),
        ),
        Target(
            name="contacted_on",
            label=_("Contacted on"),
            type=Type.DATE,
            in_past=True,
            synonyms=("contact date", "接触日期"),
        ),
        of_model(
            Contact,
            "channel",
            synonyms=("contact channel", "channel", "接触渠道"),
            known=(
                ("cellular", "phone"),
                ("telephone", "phone"),
                ("电话", "phone"),
                ("短信", "sms"),
                ("邮件", "email"),
            ),
        ),
        Target(name="was_reached", label=_("Was reached"), type=Type.FLAG, synonyms=("reached", "是否接通")),
        of_model(Contact, "talk_seconds", high=86400, synonyms=("duration", "call seconds", "通话时长")),
        of_model(Contact, "outcome", synonyms=("result", "结果")),
        Target(name="visit", label=_("Visited"), type=Type.FLAG, synonyms=("visited", "到访")),
        Target(name="interest", label=_("Showed interest"), type=Type.FLAG, synonyms=("interested", "意向")),
        Target(
            name="conversion",
            label=_("Converted"),
            type=Type.FLAG,
            synonyms=("converted", "bought", "response", "y", "转化", "成交", "响应"),
        ),
        Target(name="refusal", label=_("Refused"), type=Type.FLAG, synonyms=("refused", "declined", "拒绝")),
        of_model(Response, "amount", synonyms=("spend", "value", "revenue", "金额", "成交金额")),
        Target(
            name="responded_on",
            label=_("Responded on"),
            type=Type.DATE,
            in_past=True,
            synonyms=("response date", "响应日期", "成交日期"),
        ),
    ),
    key=("customer",),
    keeps_other_columns=True,
)
