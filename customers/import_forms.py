"""Forms of the import pages: the file that comes, and how it is read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from bankcrm.form_fields import choices_of
from bankcrm.models import User
from customers import imports
from customers.imports import workbooks
from customers.imports.kinds import allowed
from customers.models import ImportFile, ImportSource

ENCODINGS = [
    ("", gettext_lazy("Find out")),
    ("utf-8", "UTF-8"),
    ("gb18030", "GB18030 / GBK"),
    ("utf-16", "UTF-16"),
    ("big5", "Big5"),
    ("cp1252", "Windows-1252"),
]
DELIMITERS = [
    ("", gettext_lazy("Find out")),
    (",", gettext_lazy("comma ,")),
    (";", gettext_lazy("semicolon ;")),
    ("\t", gettext_lazy("tab")),
    ("|", gettext_lazy("bar |")),
    ("^", gettext_lazy("caret ^")),
    ("\x01", gettext_lazy("control-A")),
]


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What is in it"))
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        help_text=gettext_lazy(
            "CSV, also as .gz, or .xlsx. At most 500 MB unpacked and 5,000,000 rows. Encoding, delimiter and header are"
            " found and shown."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.asc,.gz,.xlsx"}),
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=40,
        help_text=gettext_lazy(
            "The system it comes from, such as core nightly. Its next file is read as this one was."
        ),
        widget=forms.TextInput(attrs={"list": "sources", "autocomplete": "off"}),
    )
    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False, choices=ENCODINGS)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        labels = dict(ImportFile.Kind.choices)
        choices_of(self, "kind").choices = [(each.code, labels[each.code]) for each in allowed(user)]

    def receive(self) -> ImportFile | None:
        """The kept file; a refusal becomes an error of the form, and None."""
        chosen = {"encoding": self.cleaned_data["encoding"]} if self.cleaned_data["encoding"] else {}
        upload = self.cleaned_data["file"]
        try:
            return imports.receive(
                upload,
                self.cleaned_data["kind"],
                self.user,
                upload.name,
                options=chosen,
                from_source=self.cleaned_data["source"].strip(),
            )
        except imports.Refused as refusal:
            self.add_error("file", str(refusal))
            return None

    def sources(self) -> list[str]:
        """Names of the sources known already."""
        kinds = [each.code for each in allowed(self.user)]
        known = ImportSource.objects.filter(kind__in=kinds).order_by("name")
        return sorted(set(known.values_list("name", flat=True)[:200]))


class ReadForm(forms.Form):
    """How the bytes of a file become rows: shown as it was found, and changed where that was wrong."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), required=False, choices=ENCODINGS)
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Delimiter"), required=False, choices=DELIMITERS, initial=""
    )
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"), required=False)
    header = forms.IntegerField(
        label=gettext_lazy("Names of columns in line"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("0 when the file names no columns."),
    )

    def __init__(self, file: ImportFile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.file = file
        self.fields["header"].initial = file.options.get("header", 1)
        if file.encoding == workbooks.ENCODING:
            del self.fields["encoding"], self.fields["delimiter"]
            sheet = choices_of(self, "sheet")
            titles = file.options.get("sheets") or [file.options.get("sheet", "")]
            sheet.choices = [(title, title) for title in titles]
            sheet.initial = file.options.get("sheet")
            return
        del self.fields["sheet"]
        self.fields["encoding"].initial = file.encoding
        self.fields["delimiter"].initial = file.delimiter

    def read(self) -> bool:
        """Read the file so; a refusal becomes an error of the form, the file stays as it was, and False."""
        try:
            imports.reread(self.file, self.cleaned_data)
        except imports.Refused as refusal:
            self.add_error(None, str(refusal))
            return False
        return True
