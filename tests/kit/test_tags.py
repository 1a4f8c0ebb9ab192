"""Every tag and fragment on one page: escaped, without inline style or script, with icons that exist."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template import engines
from django.test import RequestFactory

from bankcrm.definitions import DEFINITIONS
from bankcrm.templatetags import kit
from tests.cast import login

ROOT = Path(__file__).parents[2]
TEMPLATES = [*sorted((ROOT / "templates").rglob("*.html")), *sorted(Path(__file__).parent.glob("*.html"))]


def render(source, **context):
    return engines["django"].from_string(source).render(context, RequestFactory().get("/"))


def attributes(html):
    """(tag, attribute) of every element, as a browser would read them."""
    seen = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, pairs: seen.extend((tag, name) for name, _value in pairs)
    parser.feed(html)
    return seen


@pytest.fixture
def page(cast, kit_pages):
    return login(cast.mei).get("/kit/").content.decode()


def test_the_whole_kit_renders_under_the_strict_csp(page):
    assert "Maturing deposits Q4" in page
    assert not [name for _tag, name in attributes(page) if name == "style" or name.startswith("on")]
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r'(src|href|action)="(https?:)?//', page)


def test_text_from_people_is_inert_everywhere(page):
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 4


def test_no_template_has_inline_style_script_or_unescaped_output():
    for path in TEMPLATES:
        text = path.read_text()
        assert not re.search(r"\sstyle=|\|safe\b|autoescape off|\son(click|change|submit|load)=", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path


def test_every_icon_a_template_names_is_copied():
    listed = set(re.search(r"const ICONS = `(.*?)`", (ROOT / "assets.mjs").read_text(), re.DOTALL)[1].split())
    used = set()
    for path in TEMPLATES:
        used |= set(re.findall(r"{% icon \"([\w-]+)\"", path.read_text()))
        used |= set(
            re.findall(r"{% pill [^%]*? \"(?:ok|warn|bad|act|line|)\" \"([\w-]+)\"", path.read_text())
        )
    assert used
    assert used <= listed, used - listed
    assert {name for name in kit.TONE_ICONS.values() if name} <= listed


def test_templates_stay_short():
    for path in TEMPLATES:
        assert path.read_text().count("\n") <= 150, path


def test_every_definition_a_template_asks_for_exists():
    for path in TEMPLATES:
        for term in re.findall(r"{% definition \"(\w+)\"", path.read_text()):
            assert term in DEFINITIONS, (path, term)


def test_an_unknown_term_fails_instead_of_showing_nothing():
    with pytest.raises(KeyError):
        render('{% definition "wizardry" %}')


def test_a_definition_opens_without_script():
    html = render('{% definition "uplift" %}{% definition "uplift" %}')
    targets = re.findall(r'popovertarget="([^"]+)"', html)
    assert len(set(targets)) == 2
    assert re.findall(r'id="([^"]+)" popover', html) == targets
    assert "Treated rate minus control rate" in html


def test_an_icon_is_decoration_unless_it_has_a_label():
    assert 'aria-hidden="true"' in render('{% icon "phone" %}')
    assert 'aria-label="Call"' in render('{% icon "phone" "Call" %}')


def test_a_pill_without_meaning_is_refused():
    assert "p-ok" in render('{% pill "proved" "ok" %}')
    with pytest.raises(KeyError):
        render('{% pill "proved" "purple" %}')


def test_the_waterfall_says_that_it_adds_up(page):
    assert "Adds up: 86,412 = 63,257 final + 5,231 control + 17,924 left out" in page


def test_the_waterfall_shows_a_gap_instead_of_hiding_it():
    rows = [
        {"label": "Audience", "remaining": 100},
        {"label": "Final", "remaining": 90, "dropped": 7, "kind": "final"},
    ]
    html = render("{% waterfall rows %}", rows=rows)
    assert "Does not add up: 100 against 90 final + 0 control + 7 left out, +3" in html


def test_progress_says_rows_and_time_left_and_is_honest_before_the_total_is_known():
    assert "41,200 of 120,000 rows" in render("{% progress 41200 120000 95 %}")
    assert "about 1 min 35 s left" in render("{% progress 41200 120000 95 %}").replace("\u00a0", " ")
    unknown = render("{% progress 0 None %}")
    assert "starting" in unknown
    assert "value=" not in unknown


def test_an_empty_state_offers_its_one_button():
    assert '<a class="btn" href="/next/">Begin</a>' in render('{% empty "Nothing" "yet" "/next/" "Begin" %}')
    assert "btn" not in render('{% empty "Nothing" %}')


def test_a_stale_figure_says_why():
    assert "not computed yet" in render("{% stamp_line %}")
    assert 'stale">' in render('{% stamp_line None None "import failed" %}')


def test_a_form_field_ties_label_help_and_error_together(page):
    field = re.search(r"<input[^>]*name=\"name\"[^>]*>", page)[0]
    described = re.search(r'aria-describedby="([^"]+)"', field)[1].split()
    assert len(described) == 2
    for anchor in described:
        assert f'id="{anchor}"' in page
    assert 'aria-invalid="true"' in field
    assert 'for="id_name"' in page


def test_ids_on_the_page_are_unique(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
