"""Why a row is left out: a code for counting and a sentence for the person who mends the file."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

# {value} is the cell as it came, cut to 60 characters. The order is the number a check stores.
SENTENCES = {
    "missing": _("Required, and empty."),
    "not_a_number": _("“{value}” is not a number."),
    "out_of_range": _("“{value}” is outside what this column can hold."),
    "too_precise": _("“{value}” has more decimal places than are kept."),
    "not_a_date": _("“{value}” is not a date in the declared form."),
    "impossible_date": _("“{value}” is no day of any calendar."),
    "in_the_future": _("“{value}” lies in the future."),
    "not_a_month_end": _("“{value}” is not the last day of a month."),
    "unknown_value": _(
        "“{value}” is none of the known values; add it to the value map if it means one of them."
    ),
    "not_yes_or_no": _("“{value}” is neither yes nor no."),
    "too_long": _("The text is longer than this column can hold."),
    "not_a_phone": _("“{value}” is not a phone number."),
    "bad_checksum": _("The check digit of the identity number is wrong."),
    "unknown_branch": _("No branch has the code “{value}”."),
    "unknown_staff": _("Nobody has the employee number “{value}”."),
    "unknown_product": _("No product has the code “{value}”."),
    "unknown_customer": _("No customer has the number “{value}”."),
    "duplicate_key": _("An earlier row of the file, line {value}, has the same key; the first one counts."),
    "wrong_number_of_fields": _("The row has {value} fields, the header has {columns}."),
    "nul_byte": _("The row holds a NUL byte, which is no text."),
    "bad_quotes": _("The quotation marks of the row do not match."),
}
NUMBERS = {code: number for number, code in enumerate(SENTENCES, start=1)}
SHORT = {
    "missing": _("Required value missing"),
    "not_a_number": _("Text in a number"),
    "out_of_range": _("Number out of range"),
    "too_precise": _("Too many decimal places"),
    "not_a_date": _("Not a date"),
    "impossible_date": _("Impossible date"),
    "in_the_future": _("Date in the future"),
    "not_a_month_end": _("Not a month-end"),
    "unknown_value": _("Unknown value"),
    "not_yes_or_no": _("Neither yes nor no"),
    "too_long": _("Text too long"),
    "not_a_phone": _("Not a phone number"),
    "bad_checksum": _("Wrong check digit"),
    "unknown_branch": _("Unknown branch"),
    "unknown_staff": _("Unknown employee"),
    "unknown_product": _("Unknown product"),
    "unknown_customer": _("Unknown customer"),
    "duplicate_key": _("Duplicate key in the file"),
    "wrong_number_of_fields": _("Wrong number of fields"),
    "nul_byte": _("NUL byte"),
    "bad_quotes": _("Unmatched quotation marks"),
    "new_without_name": _("New customer without a name"),
    "dates_out_of_order": _("Dates out of order"),
    "older_than_known": _("Older than what is known"),
    "username_taken": _("User name taken"),
    "username_twice": _("User name twice in the file"),
    "own_role": _("Own role"),
}
