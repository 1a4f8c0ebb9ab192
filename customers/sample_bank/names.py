"""What the bank has on file about its customers, with the dirt of a real one; plainly invented persons throughout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bankcrm.bulk import Coded, Column
from customers.sample_bank import draws
from customers.sample_bank.population import Population
from customers.sample_bank.staff import BRANCHES, Staff
from customers.sample_bank.transactions import digits
from customers.sample_bank.world import SEGMENTS

SURNAMES = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹".split()
# One character, then perhaps another: the first of a list is no character at all.
HERS = "芳 娜 敏 静 丽 艳 娟 霞 兰 婷 玲 雪 梅 琳 秀 红 玉 慧".split()
HIS = "伟 强 磊 军 洋 勇 杰 涛 明 超 平 刚 建 文 辉 浩 志 鹏".split()
HER_SECOND = ["", "", "英", "华", "怡", "兰", "珍", "云"]
HIS_SECOND = ["", "", "华", "国", "轩", "林", "民", "东"]
FOREIGN_HERS = "Anna Fatima Yuki Maria Linh Sofia Elena Priya Ingrid Grace".split()
FOREIGN_HIS = "Carlos Ivan Peter Ahmed John Kofi Lars Marco Arjun Paul".split()
FOREIGN_LAST = (
    "Schmidt Garcia Rossi Ivanova Tanaka Novak Silva Hassan Nguyen Kim Smith Petrov Mensah Patel Berg".split()
)
FIRM_WORDS = "Jiahe Mingyuan Hongda Ruifeng Xinghua Taihe Shengli Yongan Fulin Baoding Kangtai Dexin".split()
FIRM_KINDS = "Trading Restaurant Printing Workshop Clinic Garage Teahouse Logistics".split()
INDUSTRIES = (
    "education health manufacturing retail technology government transport finance building farming".split()
)
OCCUPATIONS = [
    ["student", "engineer", "designer", "sales", "clerk", "courier"],
    ["engineer", "teacher", "nurse", "manager", "clerk", "civil servant"],
    ["retired", "retired", "retired", "retired", "teacher", "farmer"],
    ["owner", "owner", "shopkeeper", "director", "farmer", "driver"],
    ["director", "physician", "lawyer", "manager", "owner", "retired"],
    ["worker", "driver", "farmer", "clerk", "homemaker", "none"],
]
EDUCATION = ["primary", "secondary", "vocational", "bachelor", "master", "illiterate", ""]
SCHOOLING = np.array(
    [
        [1, 14, 22, 52, 11, 0],
        [2, 22, 28, 38, 10, 0],
        [30, 38, 14, 10, 2, 6],
        [6, 30, 28, 28, 8, 0],
        [1, 8, 12, 48, 31, 0],
        [16, 42, 26, 12, 1, 3],
    ],
    float,
)
ACQUISITION = ["branch", "app", "employer", "referral", "partner", "online", ""]
PARTNERS = ["Red Lantern Market", "Swallow Travel", "Jade Electronics", ""]
SCENES = ["instalment purchase", "payroll", "mortgage", "campus", ""]


Pick = Callable[[str], np.ndarray]


def columns(seed: int, population: Population, left: np.ndarray, ids: Staff) -> dict[str, Column]:
    """Columns of ``customers_customer``. ``left``: day of leaving; ``ids``: of branches and relationship managers."""
    n = population.numbers
    segment = population.traits.segment.astype(int)

    def pick(purpose: str) -> np.ndarray:
        return draws.uniform(seed, purpose, n)

    firm = (segment == SEGMENTS.index("owner")) & (pick("firm") < 0.25)
    return {
        "id": n + 1,
        "number": np.strings.add(b"C", digits(n + 1, 8)),
        "opened_on": population.opened.astype("datetime64[D]"),
        "closed_on": days(left),
        "source": Coded(np.zeros(len(n), int), ["sample bank"]),
        **_identifying(seed, population, firm, pick),
        **_living(population, segment, firm, pick),
        **_belonging(population, segment, ids, pick),
    }


def _identifying(seed: int, population: Population, firm: np.ndarray, pick: Pick) -> dict[str, Column]:
    woman = _like_original(population, pick("woman") < 0.51)
    mail = np.strings.add(digits(population.numbers + 1, 8), b"@mail.example")
    return {
        "kind": Coded(firm.astype(int), ["person", "firm"]),
        "name": _names(seed, population, woman, firm),
        "gender": Coded(np.where(firm, 2, woman), ["male", "female", ""]),
        "birth_date": _birth_dates(population, pick("wrong age"), firm),
        "identity_number": _identity(population, firm),
        "phone": _phones(seed, population),
        "phone_is_wrong": pick("wrong phone") < 0.01,
        "email": np.where(pick("email") < population.traits.digital, mail, b""),
    }


def _living(population: Population, segment: np.ndarray, firm: np.ndarray, pick: Pick) -> dict[str, Column]:
    traits = population.traits
    income = np.round(traits.income, -2)
    income[(pick("no income") < 0.07) | (population.retyped & (pick("again") < 0.5))] = np.nan
    married = pick("married") < np.interp(traits.age, [22, 30, 40, 85], [0.03, 0.55, 0.85, 0.7])
    widowed = ~married & (pick("widowed") < np.interp(traits.age, [30, 80], [0.05, 0.8]))
    children = (pick("children") * np.where(married | widowed, 3, 0.6)).astype(np.int64)
    schooling = np.where(pick("no school") < 0.06, 6, draws.choice_by_row(SCHOOLING, segment, pick("school")))
    industry = np.where(pick("no industry") < 0.05, 10, (pick("industry") * 10).astype(int))
    works = np.where(pick("no occupation") < 0.05, 36, segment * 6 + (pick("occupation") * 6).astype(int))
    status = np.where(firm, 3, np.where(married, 1, np.where(widowed, 2, 0)))
    return {
        "education": Coded(schooling, EDUCATION),
        "monthly_income": income,
        "marital_status": Coded(status, ["single", "married", "divorced", ""]),
        "children": np.ma.array(children, mask=firm | (pick("children known") < 0.08)),
        "industry": Coded(industry, [*INDUSTRIES, ""]),
        "occupation": Coded(works, [*(word for words in OCCUPATIONS for word in words), ""]),
        "credit_limit": np.where(pick("limit") < 0.6, np.round(traits.income * 3, -3), np.nan),
        "household": _households(population, married),
        "is_employee": pick("employee") < 0.004,
    }


def _belonging(population: Population, segment: np.ndarray, ids: Staff, pick: Pick) -> dict[str, Column]:
    rm, branch = population.traits.rm, population.branch.astype(int)
    acquired = draws.choice_by_row(_acquisition(), segment, pick("acquired"))
    partner = np.where(acquired == 4, (pick("partner") * 3).astype(int), 3)
    scene = np.where(pick("scene") < 0.4, (pick("which scene") * 4).astype(int), 4)
    return {
        "region": Coded(branch, [place.region for place in BRANCHES]),
        "city": Coded(branch, [place.city for place in BRANCHES]),
        "home_branch_id": ids.branches[branch],
        "primary_rm_id": np.ma.array(ids.managers[rm], mask=rm < 0),
        "backup_rm_id": np.ma.array(ids.backups[rm], mask=rm < 0),
        "acquisition_channel": Coded(acquired, ACQUISITION),
        "acquisition_partner": Coded(partner, PARTNERS),
        "acquisition_scene": Coded(scene, SCENES),
        "acquisition_cost": np.array([60, 25, 40, 80, 180, 110, 0.0])[acquired] * (0.5 + pick("cost")),
    }


def days(numbers: np.ndarray) -> np.ndarray:
    """Day numbers as dates, ``NEVER`` as NaT."""
    never = numbers == Population.NEVER
    dates = np.where(never, 0, numbers).astype(np.int64).astype("datetime64[D]")
    dates[never] = np.datetime64("NaT")
    return dates


def _like_original(population: Population, values: np.ndarray) -> np.ndarray:
    """A customer typed twice has what the first record has."""
    again = population.retyped[1:]
    values[1:] = np.where(again, values[:-1], values[1:])
    return values


def _acquisition() -> np.ndarray:
    return np.array(
        [
            [14, 40, 14, 6, 10, 16],
            [26, 18, 32, 10, 8, 6],
            [70, 2, 10, 14, 2, 2],
            [46, 10, 4, 26, 8, 6],
            [44, 8, 10, 30, 4, 4],
            [38, 16, 14, 6, 18, 8],
        ],
        float,
    )


def _birth_dates(population: Population, luck: np.ndarray, firm: np.ndarray) -> np.ndarray:
    born = population.born.astype(np.int64).astype("datetime64[D]")
    born[luck < 0.004] = np.datetime64("1900-01-01")
    decade = (luck > 0.004) & (luck < 0.007)
    born[decade] = np.maximum(born[decade] - 3_652, np.datetime64("1900-01-01"))  # ten years off
    born[firm | ((luck > 0.01) & (luck < 0.03))] = np.datetime64("NaT")
    return born


def _names(seed: int, population: Population, woman: np.ndarray, firm: np.ndarray) -> np.ndarray:
    n = population.numbers
    pick = [draws.uniform(seed, purpose, n) for purpose in ("surname", "given", "second", "foreign")]
    pick = [_like_original(population, values) for values in pick]
    surname = np.array(SURNAMES)[(pick[0] ** 1.4 * len(SURNAMES)).astype(int)]
    given = _either(woman, HERS, HIS, pick[1])
    second = _either(woman, HER_SECOND, HIS_SECOND, pick[2])
    spaced = np.where(population.retyped, " ", "")  # how the second clerk typed it
    chinese = np.strings.add(np.strings.add(surname, spaced), np.strings.add(given, second))
    first = _either(woman, FOREIGN_HERS, FOREIGN_HIS, pick[1])
    last = np.array(FOREIGN_LAST)[(pick[0] * len(FOREIGN_LAST)).astype(int)]
    foreign = np.strings.add(np.strings.add(first, " "), last)
    foreign = np.where(population.retyped, np.strings.upper(foreign), foreign)
    words = np.array(FIRM_WORDS)[(pick[0] * len(FIRM_WORDS)).astype(int)]
    kinds = np.array(FIRM_KINDS)[(pick[1] * len(FIRM_KINDS)).astype(int)]
    company = np.strings.add(np.strings.add(words, " "), kinds)
    return np.where(firm, company, np.where(pick[3] < 0.06, foreign, chinese))


def _either(woman: np.ndarray, hers: list[str], his: list[str], pick: np.ndarray) -> np.ndarray:
    """A word of either list, both of one length."""
    place = (pick * len(hers)).astype(int)
    return np.where(woman, np.array(hers)[place], np.array(his)[place])


def _identity(population: Population, firm: np.ndarray) -> np.ndarray:
    """Eighteen characters beginning with 99, a province that does not exist; retyped records came without."""
    n = population.numbers
    born = population.born.astype(np.int64).astype("datetime64[D]")
    month = born.astype("datetime64[M]").astype(np.int64)
    day = (born - born.astype("datetime64[M]")).astype(np.int64) + 1
    number = (1970 + month // 12) * 10_000 + (month % 12 + 1) * 100 + day
    text = np.strings.add(
        np.strings.add(b"990000", digits(number, 8)), np.strings.add(digits(n % 1000, 3), b"X")
    )
    return np.where(firm | population.retyped, b"", text)


def _phones(seed: int, population: Population) -> np.ndarray:
    """Eleven digits beginning with 10, which no network has given out; 2 % are missing."""
    n = population.numbers
    number = _like_original(population, 10_000_000_000 + (n * 7_368_787 + 104_729) % 1_000_000_000)
    return np.where(draws.uniform(seed, "phone", n) < 0.02, b"", digits(number, 11))


def _households(population: Population, married: np.ndarray) -> np.ndarray:
    """Neighbours in the file share a household now and then."""
    n = population.numbers
    return np.where(married & (n % 10 < 4), np.strings.add(b"H", digits(n // 10 * 5 + n % 10 // 2, 8)), b"")
