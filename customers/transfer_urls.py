"""Routes of portfolio transfers, on pages and in the API."""

from django.utils.translation import gettext_lazy as _

from bankcrm import policy
from bankcrm.models import Role
from customers import portfolio_api
from customers import transfer_api as api
from customers import transfer_views as views
from customers.transfer_plan import ROLES

READERS = policy.EVERYONE - {Role.ADMINISTRATOR}

urlpatterns = [
    policy.route("transfers/", views.transfer_list, name="transfer-list", read=ROLES),
    policy.route("transfers/new/", views.transfer_create, name="transfer-create", read=ROLES, write=ROLES),
    policy.route(
        "transfers/order/", views.transfer_order, name="transfer-order", read=policy.NOBODY, write=ROLES
    ),
    policy.route("transfers/<int:pk>/", views.transfer_detail, name="transfer-detail", read=ROLES),
    policy.route(
        "transfers/<int:pk>/undo/",
        views.transfer_undo,
        name="transfer-undo",
        read=policy.NOBODY,
        write=ROLES,
    ),
    policy.route(
        "transfers/<int:pk>/cancel/",
        views.transfer_cancel,
        name="transfer-cancel",
        read=policy.NOBODY,
        write=ROLES,
    ),
    policy.route(
        "transfers/of/<int:pk>/",
        views.customer_portfolio,
        name="customer-portfolio",
        read=READERS,
        write={Role.BRANCH_MANAGER},
    ),
    policy.route(
        "api/v1/customers/<int:pk>/portfolio/",
        portfolio_api.CustomerPortfolio.as_view(),
        name="api-customer-portfolio",
        read=READERS,
        write={Role.BRANCH_MANAGER},
    ),
    policy.route(
        "api/v1/transfers/", api.TransferList.as_view(), name="api-transfer-list", read=ROLES, write=ROLES
    ),
    policy.route(
        "api/v1/transfers/preview/",
        api.TransferPreview.as_view(),
        name="api-transfer-preview",
        read=policy.NOBODY,
        write=ROLES,
    ),
    policy.route(
        "api/v1/transfers/<int:pk>/",
        api.TransferDetail.as_view(),
        name="api-transfer-detail",
        read=ROLES,
    ),
    policy.route(
        "api/v1/transfers/<int:pk>/undo/",
        api.TransferUndo.as_view(),
        name="api-transfer-undo",
        read=policy.NOBODY,
        write=ROLES,
    ),
    policy.route(
        "api/v1/transfers/<int:pk>/cancel/",
        api.TransferCancel.as_view(),
        name="api-transfer-cancel",
        read=policy.NOBODY,
        write=ROLES,
    ),
]

policy.navigation(_("Transfers"), "transfer", "transfer-list", "/transfers/", order=83)
