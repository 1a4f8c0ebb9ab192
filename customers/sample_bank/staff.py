"""The bank itself: branches in four regions, one login per role and the relationship managers, products and tiers."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from django.contrib.auth.hashers import make_password

from bankcrm.branches import rebuild_links
from bankcrm.models import Branch, Role, User
from customers.models import AssetClass, AssetClassWeight, CostRate, Product, ProductLine, TierRule
from customers.sample_bank.world import PRODUCTS


@dataclass(frozen=True)
class Place:
    code: str
    city: str
    region: str


BRANCHES = [
    Place("N01", "Beijing", "North"),
    Place("N02", "Tianjin", "North"),
    Place("N03", "Shenyang", "North"),
    Place("E01", "Shanghai", "East"),
    Place("E02", "Hangzhou", "East"),
    Place("E03", "Nanjing", "East"),
    Place("S01", "Guangzhou", "South"),
    Place("S02", "Shenzhen", "South"),
    Place("S03", "Xiamen", "South"),
    Place("W01", "Chengdu", "West"),
    Place("W02", "Chongqing", "West"),
    Place("W03", "Xi'an", "West"),
]
MANAGERS = 60
RITA, RAJ = 0, 3  # branch positions of the two relationship managers everybody knows
# username, name, role, branch code; the auditor is a manager who may only read.
LOGINS = [
    ("mei", "Mei Lin", Role.PLANNER, "HO"),
    ("omar", "Omar Haddad", Role.APPROVER, "HO"),
    ("bao", "Bao Zhang", Role.BRANCH_MANAGER, BRANCHES[RITA].code),
    ("max", "Max Weber", Role.MANAGER, "HO"),
    ("ana", "Ana Costa", Role.ANALYST, "HO"),
    ("ada", "Ada Novak", Role.ADMINISTRATOR, "HO"),
    ("aud", "Auden Clark", Role.MANAGER, "HO"),
]
FIRST_NAMES = (
    "Li Wei Jun Na Tao Yan Hui Min Ping Qiang Rong Shan Ting Xia Yong Zhen Fang Gang Hong Jing".split()
)
LAST_NAMES = "Wang Chen Zhao Liu Sun Zhou Xu Ma Gao Luo Tang Deng".split()

# code: name, line, asset class, is loan, margin a year
CATALOGUE = {
    "savings_plan": ("Savings plan", ProductLine.SAVINGS, AssetClass.TIME_DEPOSIT, False, "0.0140"),
    "time_deposit": ("Time deposit", ProductLine.SAVINGS, AssetClass.TIME_DEPOSIT, False, "0.0090"),
    "wealth_management": (
        "Wealth management",
        ProductLine.WEALTH,
        AssetClass.WEALTH_MANAGEMENT,
        False,
        "0.0110",
    ),
    "fund": ("Fund", ProductLine.WEALTH, AssetClass.FUND, False, "0.0130"),
    "personal_loan": ("Personal loan", ProductLine.PERSONAL_LOAN, "", True, "0.0450"),
    "credit_card": ("Credit card", ProductLine.CREDIT_CARD, "", True, "0.0900"),
    "insurance": ("Insurance", ProductLine.INSURANCE, AssetClass.INSURANCE, False, "0.0250"),
    "demand_deposit": ("Current account", ProductLine.SAVINGS, AssetClass.DEMAND_DEPOSIT, False, "0.0160"),
    "mortgage": ("Mortgage", ProductLine.PERSONAL_LOAN, "", True, "0.0120"),
    "treasury_bond": ("Treasury bond", ProductLine.WEALTH, AssetClass.TREASURY_BOND, False, "0.0030"),
    "precious_metal": ("Gold account", ProductLine.RETAIL, AssetClass.PRECIOUS_METAL, False, "0.0080"),
    "trust": ("Trust", ProductLine.WEALTH, AssetClass.TRUST, False, "0.0150"),
    "securities_custody": (
        "Custody account",
        ProductLine.WEALTH,
        AssetClass.SECURITIES_CUSTODY,
        False,
        "0.0020",
    ),
}
# code, name, rank, AUM from, personal loan from
TIERS = [
    ("private", "Private banking", 1, 6_000_000, None),
    ("platinum", "Platinum", 2, 1_000_000, 2_000_000),
    ("gold", "Gold", 3, 200_000, 500_000),
    ("silver", "Silver", 4, 50_000, 100_000),
    ("basic", "Basic", 5, 0, None),
]
# What one transaction and one contact cost the bank, by channel.
COSTS = {
    CostRate.Basis.TRANSACTION: {
        "counter": "6.00",
        "phone": "3.00",
        "online": "0.15",
        "mobile": "0.10",
        "epayment": "0.05",
        "other": "0.20",
    },
    CostRate.Basis.CONTACT: {
        "meeting": "90.00",
        "phone": "12.00",
        "letter": "4.00",
        "sms": "0.08",
        "email": "0.02",
        "app": "0.01",
    },
}


@dataclass(frozen=True)
class Staff:
    """Database ids by position: twelve branches, relationship managers and their backups, products."""

    branches: np.ndarray
    managers: np.ndarray
    backups: np.ndarray
    products: np.ndarray


def branch_of_managers() -> np.ndarray:
    """Branch position of each relationship manager, five to a branch; Rita comes first and Raj second."""
    places = np.repeat(np.arange(len(BRANCHES)), MANAGERS // len(BRANCHES))
    rajs = int(np.argmax(places == RAJ))
    places[[1, rajs]] = places[[rajs, 1]]
    return places


def write(password: str, valid_from: datetime.date) -> Staff:
    """Create or complete branches, staff, products, weights and tiers; whoever has a username keeps the password."""
    branches = _branches()
    hashed = make_password(password)
    for number, (username, name, role, code) in enumerate(LOGINS, start=1):
        _user(username, f"S{number:03d}", name, role, branches[code], hashed)
    for position, place in enumerate(branch_of_managers()):
        _user(*_manager(position), Role.RM, branches[BRANCHES[place].code], hashed)
    for code, (name, line, asset_class, is_loan, margin) in CATALOGUE.items():
        Product.objects.update_or_create(
            code=code,
            defaults={
                "name": name,
                "line": line,
                "asset_class": asset_class,
                "is_loan": is_loan,
                "annual_margin": Decimal(margin),
            },
        )
    for asset_class in AssetClass:
        weight = Decimal("0.5") if asset_class == AssetClass.SECURITIES_CUSTODY else Decimal(1)
        AssetClassWeight.objects.update_or_create(
            asset_class=asset_class, valid_from=valid_from, defaults={"weight": weight}
        )
    for basis, rates in COSTS.items():
        for channel, cost in rates.items():
            CostRate.objects.update_or_create(
                basis=basis, channel=channel, valid_from=valid_from, defaults={"cost": Decimal(cost)}
            )
    for code, name, rank, aum, loan in TIERS:
        TierRule.objects.update_or_create(
            code=code,
            valid_from=valid_from,
            defaults={"name": name, "rank": rank, "minimum_aum": aum, "minimum_loan": loan},
        )
    return read()


def read() -> Staff:
    """The ids of a bank that was written before; raises ``KeyError`` for what is missing."""
    branches = dict(Branch.objects.values_list("code", "pk"))
    numbers = dict(User.objects.values_list("employee_number", "pk"))
    products = dict(Product.objects.values_list("code", "pk"))
    places = branch_of_managers()
    managers = np.array([numbers[_manager(position)[1]] for position in range(MANAGERS)])
    backups = np.empty(len(managers), np.int64)
    for place in range(len(BRANCHES)):
        here = np.nonzero(places == place)[0]
        backups[here] = managers[np.roll(here, 1)]
    return Staff(
        np.array([branches[place.code] for place in BRANCHES]),
        managers,
        backups,
        np.array([products[code] for code in PRODUCTS]),
    )


def _branches() -> dict[str, Branch]:
    office = _branch("HO", "Head office", Branch.Kind.HEAD_OFFICE, None)
    found = {"HO": office}
    for place in BRANCHES:
        code = place.code[0]
        if code not in found:
            found[code] = _branch(code, f"Region {place.region}", Branch.Kind.REGION, office)
        found[place.code] = _branch(place.code, place.city, Branch.Kind.BRANCH, found[code])
    rebuild_links()
    return found


def _branch(code: str, name: str, kind: Branch.Kind, parent: Branch | None) -> Branch:
    return Branch.objects.update_or_create(
        code=code, defaults={"name": name, "kind": kind, "parent": parent}
    )[0]


def _manager(position: int) -> tuple[str, str, str]:
    """Username, employee number and name of a relationship manager."""
    known = {0: ("rita", "Rita Moreno"), 1: ("raj", "Raj Patel")}
    first, last = FIRST_NAMES[position % len(FIRST_NAMES)], LAST_NAMES[position * 5 % len(LAST_NAMES)]
    username, name = known.get(position, (f"rm{position + 1:02d}", f"{first} {last}"))
    return username, f"R{position + 1:03d}", name


def _user(username: str, number: str, name: str, role: Role, branch: Branch, hashed: str) -> None:
    User.objects.get_or_create(
        username=username,
        defaults={
            "employee_number": number,
            "full_name": name,
            "role": role,
            "branch": branch,
            "is_auditor": username == "aud",
            "daily_capacity": 20,
            "email": f"{username}@bank.example",
            "password": hashed,
        },
    )
