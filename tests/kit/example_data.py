"""What the example pages show: invented figures in every shape a tag or fragment takes."""

import datetime as dt

from django.utils import timezone

from bankcrm.charts import grids

ATTACK = "<img src=x onerror=alert(1)>"


def charts():
    """Rows and series."""
    months = [dt.date(2026, month, 1) for month in range(1, 11)]
    rates = [0.115, 0.09, 0.075, 0.062, 0.05, 0.044, 0.035, 0.028, 0.019, 0.012]
    deciles = [
        {
            "label": i + 1,
            "predicted": r + (0.006 if i == 9 else 0.001),
            "actual": r,
            "low": r * 0.9,
            "high": r * 1.1,
        }
        for i, r in enumerate(rates)
    ]
    return {
        "deciles": deciles,
        "headers": ["Decile", "Predicted", "Actual"],
        "table": [[d["label"], f"{d['predicted']:.1%}", f"{d['actual']:.1%}"] for d in deciles],
        "lift": [
            {"label": d["label"], "value": d["actual"] / 0.034, "outline": d["predicted"] / 0.034}
            for d in deciles
        ],
        "auc": [
            {
                "label": "AUC",
                "points": list(
                    zip(
                        months,
                        [0.779, 0.781, 0.777, 0.776, 0.778, 0.777, 0.78, 0.778, 0.77, 0.763],
                        strict=True,
                    )
                ),
                "low": [0.768] * 10,
                "high": [0.789] * 10,
                "marked": True,
            }
        ],
        "watch": [{"y": 0.741, "label": "watch", "tone": "warn"}],
        "gains": [
            {"label": "v7", "points": [(0, 0), (0.1, 0.34), (0.2, 0.52), (0.4, 0.75), (0.6, 0.9), (1, 1)]},
            {
                "label": "v8",
                "points": [(0, 0), (0.1, 0.37), (0.2, 0.56), (0.4, 0.79), (0.6, 0.92), (1, 1)],
                "dashed": True,
            },
        ],
        "calibration": [
            {"x": d["predicted"], "y": d["actual"], "low": d["low"], "high": d["high"]} for d in deciles
        ],
        "named": [
            {**d, "label": name}
            for name, d in zip(["Savings", "Wealth management", "Personal loan"], deciles, strict=False)
        ],
        "cells": [[0, 3, 1], [2, 0, 5]],
        "weekdays": ["Mon", "Tue"],
        "hours": ["0", "8", "16"],
        "profile": grids.difference_map(
            [["AUM", "▲ ¥2,272,429", "¥91,509", "¥248,421"], ["Age", "▼ 26", "45", "44"]],
            [[3, 0, 0], [-2, 0, 0]],
            ["Mean of the segment", "Wealthy", "Young", "All customers"],
            told=[["9.1 times the average", "", ""], ["", "", ""]],
            label="Profile",
        ),
        "movement": grids.movement(
            [[692, 10], [7, 652]],
            ["Savers", "Spenders"],
            ["Savers", "Spenders"],
            ["From", "Customers", "Savers", "Spenders"],
            [["Savers", "702", "692", "10"], ["Spenders", "659", "7", "652"]],
            stays=[(0, 0), (1, 1)],
            label="Movement",
        ),
        "week": [
            {"label": n, "value": v}
            for n, v in zip(["Mon", "Tue", "Wed", "Thu", "Fri"], [16, 19, 3, 0, 0], strict=True)
        ],
        "amounts": [
            {"label": f"{i * 20}k", "value": v} for i, v in enumerate([9, 14, 18, 16, 11, 7, 4, 2, 1])
        ],
        "months": [1.02, 1.1, 1.08, None, 1.2, 1.29],
    }


def figures():
    """Tables, key figures, waterfall."""
    today = timezone.localdate()
    return {
        "as_of": today.replace(day=1) - dt.timedelta(days=1),
        "computed": timezone.now(),
        "kpis": [
            {
                "label": "Overdue",
                "value": 2,
                "note": "oldest since 9 Nov",
                "url": "?due=overdue",
                "tone": "bad",
            },
            {"label": "Due today", "value": 9, "note": "3 of 14 done", "url": "?due=today"},
            {"label": "Appointments", "value": 4, "note": "next 10:30"},
            {"label": "New", "value": 11, "note": "2 care tasks"},
            {"label": "Uplift", "value": "+2.1", "note": "+1.4 to +2.8", "term": "uplift"},
        ],
        "leads": [
            {"name": "陈秀英", "why": "¥5,800 a month on other banks' cards", "value": 640, "due": today},
            {"name": "黄建军", "why": "¥180,000 matured 6 Nov, on demand", "value": 905, "due": today},
            {"name": ATTACK, "why": "Deposit matures", "value": None, "due": dt.date(2025, 11, 18)},
        ],
        "arms": [
            {
                "label": "B call + waiver",
                "n": 13921,
                "rate": 0.059,
                "low": 0.014,
                "point": 0.021,
                "high": 0.028,
                "proved": 1,
            },
            {
                "label": "A call",
                "n": 14079,
                "rate": 0.045,
                "low": 0.001,
                "point": 0.007,
                "high": 0.013,
                "proved": 1,
            },
            {
                "label": "C SMS",
                "n": 14011,
                "rate": 0.04,
                "low": -0.003,
                "point": 0.002,
                "high": 0.008,
                "raw": 0.004,
            },
        ],
        "steps": [
            {"label": "Assigned", "count": 42011, "control": 7004, "url": "?step=assigned"},
            {"label": "Contacted", "count": 37902},
            {"label": "Bought", "count": 2013, "control": 264},
        ],
        "rows": [
            {"label": "Audience", "remaining": 86412, "kind": "audience", "url": "?step=audience"},
            {"label": "Eligible", "remaining": 77232, "dropped": 9180, "dropped_url": "?left=eligible"},
            {"label": "Consent", "remaining": 68488, "dropped": 8744},
            {"label": "Campaign control", "remaining": 63257, "dropped": 5231, "kind": "control"},
            {"label": "Final list", "remaining": 63257, "kind": "final", "url": "?step=final"},
        ],
    }


def work():
    """Fragments of the working screens."""
    return {
        "blockers": [
            {
                "level": "block",
                "text": "Script B has no Chinese text.",
                "url": "?edit=script",
                "action": "Write it",
            },
            {
                "level": "warn",
                "text": "Xuhui is at 104 % of RM hours.",
                "detail": "412 leads wait for wave 3.",
            },
        ],
        "reasons": [
            {
                "before": "Time deposit of",
                "fact": "¥420,000",
                "after": "matures on 18 Nov",
                "share": 0.46,
                "icon": "calendar-due",
            },
            {"text": ATTACK, "share": 0.31},
        ],
        "timeline": [
            {
                "when": "9 Nov",
                "icon": "device-mobile",
                "text": "Opened “Steady 12” in mobile bank",
                "meta": "App",
            },
            {"when": "20 Oct", "icon": "message", "text": ATTACK, "meta": "Service"},
        ],
        "outcomes": [
            {
                "key": str(i + 1),
                "code": name.lower(),
                "label": name,
                "group": group,
                "stop": name == "Do not contact",
            }
            for i, (name, group) in enumerate(
                [
                    ("Interested", 1),
                    ("Later", 1),
                    ("Converted", 1),
                    ("Declined", 1),
                    ("No answer", 2),
                    ("Wrong number", 2),
                    ("Already holds", 3),
                    ("Moved away", 3),
                    ("Do not contact", 3),
                ]
            )
        ],
        "tabs": [
            {"label": "Overview", "url": "?tab=overview", "current": True},
            {"label": "Leads", "url": "?tab=leads", "count": 3},
        ],
        "panes": [
            {"name": "ld", "label": "Lead"},
            {"name": "c360", "label": "Customer"},
            {"name": "q", "label": "Queue"},
        ],
    }
