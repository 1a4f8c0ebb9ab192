"""Customers: every importable field of the catalogue."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers import fields
from customers.imports.kinds.declaration import Kind, Rule, Target, Type, of_model
from customers.models import Customer, ImportFile

SYNONYMS: dict[str, tuple[str, ...]] = {
    "number": (
        "customer number",
        "customer",
        "customer id",
        "client id",
        "cif",
        "客户号",
        "客户编号",
        "客户代码",
    ),
    "kind": ("customer kind", "customer type", "客户类型"),
    "name": ("customer name", "full name", "姓名", "客户名称", "客户姓名"),
    "gender": ("sex", "性别"),
    "birth_date": ("date of birth", "birthday", "dob", "出生日期", "生日"),
    "identity_number": ("id number", "identity card", "证件号码", "身份证号", "身份证号码"),
    "phone": ("mobile", "phone number", "telephone", "手机", "手机号", "手机号码", "联系电话", "电话"),
    "email": ("e-mail", "mail", "邮箱", "电子邮箱", "电子邮件"),
    "education": ("学历", "教育程度"),
    "monthly_income": ("income", "月收入", "收入"),
    "marital_status": ("marital", "婚姻状况", "婚姻"),
    "children": ("number of children", "子女数", "子女人数"),
    "industry": ("行业",),
    "occupation": ("job", "profession", "职业"),
    "region": ("province", "地区", "省份"),
    "city": ("town", "城市"),
    "credit_limit": ("limit", "授信额度", "信用额度"),
    "household": ("家庭编号", "家庭"),
    "is_employee": ("employee", "行内员工", "是否员工"),
    "opened_on": ("customer since", "open date", "opening date", "开户日期", "开户日"),
    "closed_on": ("left on", "closing date", "close date", "销户日期", "销户日"),
    "branch": ("home branch", "branch code", "网点", "机构号", "开户机构", "所属机构"),
    "primary_rm": ("relationship manager", "rm", "客户经理", "客户经理工号", "主办客户经理"),
    "backup_rm": ("backup", "协办客户经理", "备份客户经理"),
    "acquisition_channel": ("获客渠道", "来源渠道"),
    "acquisition_partner": ("获客合作方",),
    "acquisition_scene": ("获客场景",),
    "acquisition_cost": ("获客成本",),
}
KNOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "kind": (("p", "person"), ("f", "firm"), ("个人", "person"), ("企业", "firm"), ("公司", "firm")),
    "gender": (("f", "female"), ("m", "male"), ("女", "female"), ("男", "male")),
    "marital_status": (("未婚", "single"), ("已婚", "married"), ("离异", "divorced"), ("丧偶", "divorced")),
    "education": (
        ("小学", "primary"),
        ("初中", "secondary"),
        ("高中", "secondary"),
        ("中专", "vocational"),
        ("大专", "vocational"),
        ("本科", "bachelor"),
        ("硕士", "master"),
        ("博士", "master"),
        ("研究生", "master"),
    ),
}
TYPES = {
    "phone": Type.PHONE,
    "identity_number": Type.IDENTITY,
    "branch": Type.BRANCH,
    "primary_rm": Type.STAFF,
    "backup_rm": Type.STAFF,
}


def _target(code: str, field: fields.Field) -> Target:
    more = {"type": TYPES[code]} if code in TYPES else {}
    return of_model(
        Customer,
        code,
        field=field.column,
        label=field.label,
        required=code == "number",
        synonyms=SYNONYMS.get(code, ()),
        known=KNOWN.get(code, ()),
        in_past=code in ("birth_date", "opened_on", "closed_on"),
        **more,
    )


KIND = Kind(
    code=ImportFile.Kind.CUSTOMERS,
    model=Customer,
    targets=tuple(_target(code, field) for code, field in fields.importable().items()),
    key=("number",),
    rules=(
        Rule(
            code="missing",
            target="name",
            sentence=_("A customer needs a name."),
            wrong="k.name IS NULL",
            needs=("name",),
        ),
        Rule(
            code="new_without_name",
            target="number",
            sentence=_(
                "No customer has this number, and a new one needs a name, which this file does not give."
            ),
            wrong="NOT EXISTS (SELECT FROM customers_customer known WHERE known.number = k.number)",
            without=("name",),
        ),
        Rule(
            code="dates_out_of_order",
            target="closed_on",
            sentence=_("The customer left before the relationship began."),
            wrong="k.closed_on < k.opened_on",
            needs=("opened_on", "closed_on"),
        ),
    ),
    fixed=(("name", "''"),),
    touched=(("updated_at", "statement_timestamp()"),),
)
