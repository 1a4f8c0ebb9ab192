"""Who works here: the branch tree, users with a role, their leave, and the bank's holidays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Branch(models.Model):
    """A node of the branch tree: head office → region → branch → outlet."""

    class Kind(models.TextChoices):
        HEAD_OFFICE = "head_office", _("Head office")
        REGION = "region", _("Region")
        BRANCH = "branch", _("Branch")
        OUTLET = "outlet", _("Outlet")

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    parent = models.ForeignKey(
        "self",
        verbose_name=_("parent"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
    )
    # Closed, a branch keeps its history and its place, and nobody and nothing can be put there any more.
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        verbose_name = _("branch")
        verbose_name_plural = _("branches")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="head_office") ^ Q(parent__isnull=False),
                name="only_head_office_has_no_parent",
            )
        ]

    def __str__(self) -> str:
        return self.name


class BranchLink(models.Model):
    """One row per branch and each of its ancestors, itself included: the closure of the tree.

    Kept by ``bankcrm.branches.rebuild_links``; a subtree is then one indexed look-up at any depth.
    """

    ancestor = models.ForeignKey(Branch, on_delete=models.CASCADE, related_name="links_down")
    descendant = models.ForeignKey(Branch, on_delete=models.CASCADE, related_name="links_up")
    depth = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ancestor", "descendant"], name="branch_link_once")]


class Role(models.TextChoices):
    RM = "rm", _("Relationship manager")
    BRANCH_MANAGER = "branch_manager", _("Branch manager")
    PLANNER = "planner", _("Campaign planner")
    APPROVER = "approver", _("Approver")
    MANAGER = "manager", _("Manager")
    ANALYST = "analyst", _("Analyst")
    ADMINISTRATOR = "administrator", _("Administrator")


# Customers one relationship manager can know; a transfer says who would have more.
PORTFOLIO_SIZE = 500
# Half days worked per weekday, Monday first: what capacity is counted in.
FULL_WEEK = [2, 2, 2, 2, 2, 0, 0]


def full_week() -> list[int]:
    return list(FULL_WEEK)


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: User) -> UserQuerySet:
        """Colleagues of the user's branch subtree; administrators and auditors see everybody."""
        if user.is_auditor or user.role == Role.ADMINISTRATOR:
            return self
        if user.role == Role.RM:
            return self.filter(pk=user.pk)
        return self.filter(branch__in=user.branch_ids())

    def relationship_managers(self) -> UserQuerySet:
        return self.filter(role=Role.RM, is_active=True)


class StaffManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # built at run time
    use_in_migrations = False


class User(AbstractUser):
    """A member of staff. One role each; the auditor flag reads everything and changes nothing."""

    employee_number = models.CharField(_("employee number"), max_length=20, unique=True)
    full_name = models.CharField(_("name"), max_length=100)
    role = models.CharField(_("role"), max_length=16, choices=Role)
    is_auditor = models.BooleanField(_("auditor"), default=False)
    branch = models.ForeignKey(
        Branch, verbose_name=_("branch"), on_delete=models.PROTECT, related_name="staff"
    )
    daily_capacity = models.PositiveSmallIntegerField(_("leads per working day"), default=20)
    portfolio_size = models.PositiveIntegerField(
        _("customers at most"), default=PORTFOLIO_SIZE, db_default=PORTFOLIO_SIZE
    )
    working_week = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("working week"),
        size=7,
        default=full_week,
        db_default=Value(FULL_WEEK, ArrayField(models.PositiveSmallIntegerField())),
    )
    version = models.PositiveIntegerField(default=1, db_default=1)
    # The file that brought the row: what its undo removes, and what a full load of its source looks for.
    brought_by = models.BigIntegerField(null=True, editable=False)

    # One name as the bank writes it; Chinese names have no first and last in this order.
    first_name = None  # type: ignore[assignment]  # Django's own way to drop an inherited column
    last_name = None  # type: ignore[assignment]  # the same
    REQUIRED_FIELDS = ["employee_number", "full_name", "role", "branch"]

    objects: ClassVar[StaffManager] = StaffManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                condition=Q(working_week__len=7, working_week__contained_by=[0, 1, 2]),
                name="a_week_has_seven_days_of_two_halves",
            ),
            # Nobody tells "Rita" from "rita": not who signs in, not who reads the audit trail.
            models.UniqueConstraint(
                Lower("username"),
                name="a_user_name_once_regardless_of_case",
                violation_error_message=_(
                    "Somebody has this user name already; capitals make no difference."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name

    def branch_ids(self) -> models.QuerySet[BranchLink, Any]:
        """Ids of the user's branch and every branch below it, as a subquery."""
        return BranchLink.objects.filter(ancestor=self.branch_id).values("descendant")

    @property
    def weekly_capacity(self) -> float:
        """Leads per week without holidays: the daily capacity times the days worked."""
        return self.daily_capacity * sum(self.working_week) / 2

    @property
    def may_change(self) -> bool:
        return not self.is_auditor

    def may_act_as(self, roles: Collection[str]) -> bool:
        """Whether one of the roles is the user's own; an auditor acts in none."""
        return self.may_change and self.role in roles


class Leave(models.Model):
    """Days on which a relationship manager is away: the backup sees and works the customers, and takes new leads."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="leaves")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    backup = models.ForeignKey(
        User,
        verbose_name=_("backup"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="stand_ins",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=models.F("first_day")), name="leave_ends_after_it_starts"
            )
        ]
        indexes = [models.Index(fields=["last_day", "first_day"], name="leave_by_day")]

    def __str__(self) -> str:
        return f"{self.user}: {self.first_day} – {self.last_day}"


class Holiday(models.Model):
    """A day that is not what its weekday says: nobody works, or a Saturday is worked like some other day.

    Without a branch it holds for the whole bank; a branch's own row holds for its subtree, and the nearest row wins.
    """

    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=60)
    branch = models.ForeignKey(
        Branch, verbose_name=_("branch"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    # 0 Monday … 6 Sunday: part-time staff work on a make-up day what they work on that weekday. NULL: nobody works.
    works_as = models.PositiveSmallIntegerField(_("worked like"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "branch"], nulls_distinct=False, name="a_day_is_special_once_per_branch"
            ),
            models.CheckConstraint(
                condition=Q(works_as__isnull=True) | Q(works_as__lte=6), name="worked_like_a_weekday"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
