from customers.models.acquisition import Acquisition, ConsumerFinanceState
from customers.models.attributes import Customer
from customers.models.consent import Consent, ConsentChannel, ConsentEvent, ConsentPurpose, QuietPeriod
from customers.models.contact_history import Assignment, Contact, ContactChannel, Response
from customers.models.holdings import ConsumerFinanceContract, Holding, MonthlyBalance
from customers.models.imports import ImportFile, ImportReject, ImportSource
from customers.models.own_fields import OwnField, OwnValues
from customers.models.peers import PeerGroup
from customers.models.portfolio import CustomerReturn, PortfolioMove, PortfolioTransfer
from customers.models.products import AssetClass, Product, ProductLine
from customers.models.profile import CustomerProfile
from customers.models.prospects import Prospect
from customers.models.transactions import Transaction
from customers.models.value import AssetClassWeight, CostRate, ProductMargin, TierChange, TierRule

__all__ = [
    "Acquisition",
    "AssetClass",
    "AssetClassWeight",
    "Assignment",
    "Consent",
    "ConsentChannel",
    "ConsentEvent",
    "ConsentPurpose",
    "ConsumerFinanceContract",
    "ConsumerFinanceState",
    "Contact",
    "ContactChannel",
    "CostRate",
    "Customer",
    "CustomerProfile",
    "CustomerReturn",
    "Holding",
    "ImportFile",
    "ImportReject",
    "ImportSource",
    "MonthlyBalance",
    "OwnField",
    "OwnValues",
    "PeerGroup",
    "PortfolioMove",
    "PortfolioTransfer",
    "Product",
    "ProductLine",
    "ProductMargin",
    "Prospect",
    "QuietPeriod",
    "Response",
    "TierChange",
    "TierRule",
    "Transaction",
]
