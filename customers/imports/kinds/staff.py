"""Staff: who works here. Only administrators may import it, because it gives roles."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bankcrm.models import Role, User
from customers.imports.kinds.declaration import Kind, Rule, Type, of_model
from customers.models import ImportFile

KIND = Kind(
    code=ImportFile.Kind.STAFF,
    model=User,
    targets=(
        of_model(
            User,
            "employee_number",
            required=True,
            synonyms=("employee", "staff number", "number", "工号", "员工号"),
        ),
        of_model(User, "username", required=True, synonyms=("user name", "login", "用户名", "登录名")),
        of_model(User, "full_name", required=True, synonyms=("name", "姓名")),
        of_model(
            User,
            "role",
            required=True,
            synonyms=("角色", "岗位"),
            known=(
                ("客户经理", "rm"),
                ("支行行长", "branch_manager"),
                ("网点主任", "branch_manager"),
                ("策划", "planner"),
                ("审批", "approver"),
                ("管理层", "manager"),
                ("分析师", "analyst"),
                ("管理员", "administrator"),
            ),
        ),
        of_model(
            User,
            "branch",
            type=Type.BRANCH,
            required=True,
            synonyms=("branch code", "机构", "机构号", "网点"),
        ),
        of_model(User, "daily_capacity", synonyms=("leads per day", "capacity", "日产能"), empty=20),
        of_model(User, "email", length=254, synonyms=("e-mail", "邮箱")),
    ),
    key=("employee_number",),
    rules=(
        Rule(
            code="username_taken",
            target="username",
            sentence=_("Another employee has this user name."),
            wrong="EXISTS (SELECT FROM bankcrm_user taken WHERE lower(taken.username) = lower(k.username)"
            " AND taken.employee_number <> k.employee_number)",
        ),
        Rule(
            code="username_twice",
            target="username",
            sentence=_("An earlier row of the file has this user name for another employee."),
            wrong="EXISTS (SELECT FROM {checked} other WHERE lower(other.username) = lower(k.username)"
            " AND other.line < k.line)",
        ),
        Rule(
            code="own_role",
            target="role",
            sentence=_("Nobody changes one's own role by a file."),
            wrong="EXISTS (SELECT FROM bankcrm_user own WHERE own.id = {user}"
            " AND own.employee_number = k.employee_number AND own.role <> k.role)",
        ),
        Rule(
            code="still_has_customers",
            target="role",
            sentence=_("A relationship manager who has customers stays one. Transfer them first."),
            wrong="EXISTS (SELECT FROM bankcrm_user held JOIN customers_customer c ON c.primary_rm_id = held.id"
            " WHERE held.employee_number = k.employee_number AND held.role = 'rm' AND k.role <> 'rm'"
            " AND c.closed_on IS NULL)",
        ),
    ),
    # No password: an administrator gives one; until then nobody can sign in as this person.
    fixed=(
        ("password", "'!' || replace(gen_random_uuid()::text, '-', '')"),
        ("is_superuser", "false"),
        ("is_staff", "false"),
        ("is_active", "true"),
        ("is_auditor", "false"),
        ("email", "''"),
        ("daily_capacity", "20"),
        ("date_joined", "statement_timestamp()"),
    ),
    roles=frozenset({Role.ADMINISTRATOR}),
)
