"""The house rules that a machine can hold: imports point one way, nothing grows past its limit, markup stays clean.

Each rule is a function from a source tree to the list of its breaches, and is shown here to find a planted one.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

REPOSITORY = Path(__file__).resolve().parents[1]
ORDER = ["bankcrm", "customers", "analytics", "campaigns"]  # an app may import leftwards only
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "services",
    "core",
    "admin",
    "signals",
}
FILE_LINES, FUNCTION_LINES, TEMPLATE_LINES = 400, 50, 150
MATHS_MAY_NOT_IMPORT = {"django", "celery", "kombu", "redis", "psycopg", "rest_framework", *ORDER}
WEB = (
    "django.http", "django.shortcuts", "django.views", "django.contrib.messages", "django_htmx",
    "rest_framework", "celery", "kombu", "bankcrm.celery", "bankcrm.dispatch",
)  # fmt: skip
# urls, views, forms, api, tasks and their kind, as a module, a suffix of one (lead_views.py) or a folder.
WEB_SIDE = re.compile(
    r"(?:^|[/_])(?:urls|views|forms|api|tasks|filters|serializers|templatetags|management)(?:\.py$|/)"
)
# A presenter gathers what one page shows: it may name addresses, is imported by the web side alone, sees no request.
PRESENTER = re.compile(r"_page\.py$")
ADDRESSES = ("django.urls.reverse", "django.urls.reverse_lazy")
MARKUP = {
    "inline style element": re.compile(r"<style\b", re.I),
    "inline style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "inline script": re.compile(r"<script\b(?![^>]*\b(?:src\s*=|type=\"application/json\"))", re.I),
    "inline handler": re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[a-z:-]*)\s*=", re.I),
    "script address": re.compile(r"(?:href|src|action)\s*=\s*[\"']?\s*javascript:", re.I),
    "unescaped output": re.compile(r"\|\s*safe\b|\{%\s*autoescape\s+off|\|\s*safeseq\b"),
}


def sources(root: Path, *folders: str) -> Iterator[Path]:
    """Python files under ``folders`` of ``root``, migrations excepted: Django writes those."""
    for folder in folders:
        yield from (path for path in sorted((root / folder).rglob("*.py")) if "migrations" not in path.parts)


def templates(root: Path) -> Iterator[Path]:
    for folder in [root / "templates", *(root / app / "templates" for app in ORDER)]:
        yield from sorted(folder.rglob("*.html"))
        yield from sorted(folder.rglob("*.svg"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything ``path`` imports, at whatever depth."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def upward_imports(root: Path) -> list[str]:
    found = []
    for rank, app in enumerate(ORDER):
        for path in sources(root, app):
            for line, name in imports(path):
                if name.partition(".")[0] in ORDER[rank + 1 :]:
                    found.append(f"{path.relative_to(root)}:{line} imports {name}")
    return found


def upward_relations(all_models: Iterable[type[models.Model]]) -> list[str]:
    found = []
    for model in all_models:
        own = model._meta.app_label
        if own not in ORDER:
            continue
        for field in [*model._meta.fields, *model._meta.many_to_many]:
            target = field.related_model
            other = target._meta.app_label if isinstance(target, type) else ""
            if other in ORDER and ORDER.index(other) > ORDER.index(own):
                found.append(f"{own}.{model.__name__}.{field.name} points up to {other}")
    return found


def impure_maths(root: Path) -> list[str]:
    found = []
    for path in sources(root, "analytics/modelling"):
        for line, name in imports(path):
            if name.partition(".")[0] in MATHS_MAY_NOT_IMPORT and not name.startswith("analytics.modelling"):
                found.append(f"{path.relative_to(root)}:{line} imports {name}")
    return found


def verbs_at_the_web(root: Path) -> list[str]:
    """Verb modules and models that see a request, answer one, or wake a worker themselves."""
    found = []
    for path in sources(root, *ORDER[1:]):
        inside = path.relative_to(root)
        if WEB_SIDE.search(inside.as_posix()):
            continue
        presents = bool(PRESENTER.search(inside.as_posix()))
        for line, name in imports(path):
            if presents and name in ADDRESSES:
                continue
            if name.startswith(WEB) or at_the_web(name, presents):
                found.append(f"{inside}:{line} imports {name}")
    return found


def at_the_web(name: str, presents: bool) -> bool:
    """Whether ``name`` lives on the web side; presenters may import each other, verbs may not import them."""
    module = name.replace(".", "/") + ".py"
    owner = name.rpartition(".")[0].replace(".", "/") + ".py"
    presenter = PRESENTER.search(module) or PRESENTER.search(owner)
    return bool(WEB_SIDE.search(module) or (presenter and not presents))


def overlong(root: Path) -> list[str]:
    found = []
    for path in [*sources(root, *ORDER, "bench", "tests"), root / "manage.py", root / "conftest.py"]:
        lines = len(path.read_text().splitlines()) if path.exists() else 0
        if lines > FILE_LINES:
            found.append(f"{path.relative_to(root)} has {lines} lines")
    for path in sources(root, *ORDER, "bench"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION_LINES:
                found.append(f"{path.relative_to(root)}:{node.lineno} {node.name} has {length(node)} lines")
    for path in templates(root):
        lines = len(path.read_text().splitlines())
        if lines > TEMPLATE_LINES:
            found.append(f"{path.relative_to(root)} has {lines} lines")
    return found


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of ``function`` without its docstring: a formula's source deserves its prose."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def meaningless_names(root: Path) -> list[str]:
    found = []
    for path in sources(root, *ORDER, "bench", "tests"):
        inside = path.relative_to(root)
        for part in [*inside.parts[:-1], inside.stem]:
            if part in FORBIDDEN_NAMES:
                found.append(f"{inside}: a module called {part} says nothing")
    return sorted(set(found))


def hidden_machinery(root: Path) -> list[str]:
    """Signals, admin screens and unescaped markup."""
    forbidden = ("django.dispatch", "django.db.models.signals", "django.contrib.admin")
    found = []
    for path in sources(root, *ORDER):
        for line, name in imports(path):
            if name.startswith(forbidden) or name.endswith(".mark_safe"):
                found.append(f"{path.relative_to(root)}:{line} imports {name}")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("SafeString", "SafeText"):
                found.append(f"{path.relative_to(root)}:{node.lineno} declares text safe; use format_html")
    return found


def unclean_markup(root: Path) -> list[str]:
    found = []
    for path in templates(root):
        text = re.sub(r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}", "", path.read_text(), flags=re.S)
        for name, pattern in MARKUP.items():
            if path.suffix == ".svg" and name.startswith("inline style"):
                continue
            found += [
                f"{path.relative_to(root)}: {name}: {hit.group()[:60]!r}" for hit in pattern.finditer(text)
            ]
    return found


RULES: list[Callable[[Path], list[str]]] = [
    upward_imports,
    impure_maths,
    verbs_at_the_web,
    overlong,
    meaningless_names,
    hidden_machinery,
    unclean_markup,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_tree_keeps_the_rule(rule: Callable[[Path], list[str]]) -> None:
    assert rule(REPOSITORY) == []


def test_no_relation_points_up() -> None:
    assert upward_relations(apps.get_models()) == []


def test_the_tree_under_test_is_the_real_one() -> None:
    for app in ORDER:
        assert list(sources(REPOSITORY, app)), app
    assert len(list(templates(REPOSITORY))) > 3


LONG_FUNCTION = "def push():\n    '''One line.'''\n" + "    pass\n" * 50
PLANTED = [
    (upward_imports, "customers/search.py", "from campaigns.models import Lead\n"),
    (upward_imports, "bankcrm/runs.py", "def now():\n    import analytics.scoring\n"),
    (impure_maths, "analytics/modelling/response.py", "from django.db import connection\n"),
    (impure_maths, "analytics/modelling/response.py", "from analytics.features import matrix\n"),
    (verbs_at_the_web, "campaigns/push.py", "from django.http import HttpRequest\n"),
    (verbs_at_the_web, "campaigns/push.py", "from bankcrm.dispatch import send\n"),
    (verbs_at_the_web, "campaigns/push.py", "from campaigns.tasks import push\n"),
    (verbs_at_the_web, "campaigns/push.py", "from django.urls import reverse\n"),
    (verbs_at_the_web, "campaigns/push.py", "from campaigns import campaign_page\n"),
    (verbs_at_the_web, "campaigns/push.py", "from campaigns.campaign_page import Page\n"),
    (verbs_at_the_web, "campaigns/campaign_page.py", "from django.http import HttpRequest\n"),
    (verbs_at_the_web, "campaigns/models/leads.py", "from campaigns.lead_forms import OutcomeForm\n"),
    (overlong, "campaigns/push.py", "\n" * 401),
    (overlong, "tests/campaigns/test_push.py", "\n" * 401),
    (overlong, "campaigns/push.py", LONG_FUNCTION),
    (overlong, "templates/leads/card.html", "<p>\n" * 151),
    (meaningless_names, "customers/utils.py", ""),
    (meaningless_names, "customers/services/merge.py", ""),
    (hidden_machinery, "campaigns/apps.py", "from django.db.models.signals import post_save\n"),
    (hidden_machinery, "campaigns/leads.py", "from django.contrib import admin\n"),
    (hidden_machinery, "campaigns/leads.py", "from django.utils.safestring import mark_safe\n"),
    (hidden_machinery, "campaigns/leads.py", "def note(text):\n    return SafeString(text)\n"),
    (unclean_markup, "templates/a.html", "<style>p { color: red }</style>"),
    (unclean_markup, "templates/a.html", '<p class="x" style="color: red">'),
    (unclean_markup, "templates/a.html", "<script>alert(1)</script>"),
    (unclean_markup, "templates/a.html", '<script type="module">alert(1)</script>'),
    (unclean_markup, "campaigns/templates/a.html", '<button onclick="go()">'),
    (unclean_markup, "templates/a.html", '<form hx-on::after-request="this.reset()">'),
    (unclean_markup, "templates/a.html", '<a href="javascript:go()">'),
    (unclean_markup, "templates/a.html", "{{ note|safe }}"),
    (unclean_markup, "templates/a.html", "{{ note | safe }}"),
    (unclean_markup, "templates/a.html", "{% autoescape off %}{{ note }}{% endautoescape %}"),
]
ALLOWED = [
    (verbs_at_the_web, "campaigns/lead_views.py", "from django.http import HttpRequest\n"),
    (verbs_at_the_web, "campaigns/campaign_views/frame.py", "from campaigns import campaign_page\n"),
    (
        verbs_at_the_web,
        "campaigns/campaign_page.py",
        "from django.urls import reverse\nfrom campaigns import audience_page\n",
    ),
    (verbs_at_the_web, "campaigns/views/leads.py", "from campaigns.forms import OutcomeForm\n"),
    (
        verbs_at_the_web,
        "campaigns/push.py",
        "from bankcrm import runs\nfrom campaigns.reviews import open_ones\n",
    ),
    (
        upward_imports,
        "campaigns/push.py",
        "from customers.models import Customer\nfrom analytics import scoring\n",
    ),
    (
        impure_maths,
        "analytics/modelling/response.py",
        "import numpy\nfrom analytics.modelling import metrics\n",
    ),
    (overlong, "campaigns/push.py", LONG_FUNCTION.replace("    pass\n", "", 1)),
    (overlong, "campaigns/migrations/0001_initial.py", "\n" * 2000),
    (meaningless_names, "customers/merge.py", ""),
    (hidden_machinery, "campaigns/card.py", "from django.utils.safestring import SafeString\n"),
    (
        unclean_markup,
        "templates/a.html",
        '<script src="{% static \'a.js\' %}" defer></script><progress max="3"></progress>',
    ),
    (
        unclean_markup,
        "templates/a.html",
        "{# never |safe here #}<p data-style='x' class='safe'>{{ note|safer }}</p>",
    ),
]


def plant(root: Path, path: str, content: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)


@pytest.mark.parametrize(("rule", "path", "content"), PLANTED)
def test_a_planted_breach_is_found(
    rule: Callable[[Path], list[str]], path: str, content: str, tmp_path: Path
) -> None:
    plant(tmp_path, path, content)
    found = rule(tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith(path.partition(".")[0])


@pytest.mark.parametrize(("rule", "path", "content"), ALLOWED)
def test_what_the_rules_allow_is_not_reported(
    rule: Callable[[Path], list[str]], path: str, content: str, tmp_path: Path
) -> None:
    plant(tmp_path, path, content)
    assert rule(tmp_path) == []


# Without the apps by name: their start-up would run again and register everything twice for the tests that follow.
@isolate_apps()
def test_a_planted_upward_relation_is_found() -> None:
    class PlantedLead(models.Model):
        class Meta:
            app_label = "campaigns"

    class PlantedContact(models.Model):
        lead = models.ForeignKey(PlantedLead, models.PROTECT)
        leads = models.ManyToManyField(PlantedLead, related_name="+")

        class Meta:
            app_label = "customers"

    assert upward_relations([PlantedLead, PlantedContact]) == [
        "customers.PlantedContact.lead points up to campaigns",
        "customers.PlantedContact.leads points up to campaigns",
    ]
