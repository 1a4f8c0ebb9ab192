"""What the terms on the screens mean: the text behind every "?" beside a figure. Words as in the glossary."""

from django.utils.translation import gettext_lazy as _

# term → (name, definition in one or two sentences)
DEFINITIONS = {
    "as_of": (_("As-of date"), _("The last day whose facts went into this figure.")),
    "attribution_window": (
        _("Attribution window"),
        _(
            "Days after assignment in which a response counts; 60 unless the campaign says otherwise. Treated and"
            " control use the same window, and the result is final only when it is over."
        ),
    ),
    "auc": (
        _("AUC"),
        _(
            "The chance that the model ranks a buyer above a customer who does not buy. 0.5 is no better than a coin."
        ),
    ),
    "audience": (
        _("Audience"),
        _("The customers who meet the campaign's conditions, before anybody is left out."),
    ),
    "aum": (_("AUM"), _("Assets under management: deposits plus investments with us at the as-of date.")),
    "calibration": (
        _("Calibration"),
        _("Whether predicted chances come true: of customers given 10 %, about one in ten should buy."),
    ),
    "capacity": (
        _("Capacity"),
        _("Leads the relationship managers can work in the period: leads per day times days."),
    ),
    "churn": (_("Churn"), _("The customer leaves or falls dormant within the horizon the model states.")),
    "consent": (
        _("Consent"),
        _(
            "What the customer said about being contacted, by channel and purpose. Service messages need none."
        ),
    ),
    "contact_policy": (
        _("Contact policy"),
        _("Caps across all campaigns: how often, how soon again, through which channel and on which days."),
    ),
    "contribution": (
        _("Contribution"),
        _("Margin on balances plus fees, less the cost of serving and contacting the customer."),
    ),
    "control_group": (
        _("Control group"),
        _("A random slice of the campaign's targets who are deliberately not contacted, for comparison."),
    ),
    "conversion": (
        _("Conversion"),
        _("An act that reaches the objective, such as a product opened in the window."),
    ),
    "decile": (_("Decile"), _("The customers' tenth by score; decile 1 has the highest scores.")),
    "eligibility": (_("Eligibility"), _("Whether a customer may receive this offer at all.")),
    "expected_value": (
        _("Expected value"),
        _("Chance of a conversion times what a sale earns, less what the contact costs."),
    ),
    "exploration": (
        _("Exploration"),
        _(
            "Contacts drawn at random among all who could be contacted, whatever their score. Their outcomes show what"
            " a model cannot learn from customers it chose itself."
        ),
    ),
    "auuc": (
        _("Area under the uplift curve"),
        _(
            "The area under extra sales per customer over the share contacted, best uplift first. A random order would"
            " have half of the average effect."
        ),
    ),
    "base_accuracy": (
        _("The commonest for everybody"),
        _(
            "How often one is right without a model, by naming what most chose in training. A model must beat it."
        ),
    ),
    "brier": (
        _("Brier score"),
        _(
            "The squared gap between the chance and what happened (1 or 0), averaged. 0 is perfect; less is better."
        ),
    ),
    "drift": (
        _("Drift"),
        _(
            "How far the scores in use, and the fields the model leans on, have moved since the version learned (PSI):"
            " steady under 0.1, watch from 0.1, act from 0.25."
        ),
    ),
    "ece": (
        _("Calibration error"),
        _(
            "Customers in ten groups by chance; per group the gap between the mean chance and the share that did it,"
            " weighted by customers. 0 is perfect."
        ),
    ),
    "gains": (
        _("Gains"),
        _("The share of all who did it that is found when the best-scored part of the customers is taken."),
    ),
    "gains_area": (
        _("Area under gains"),
        _("The area under the gains curve: 0.5 by chance, at most 1 minus half the share of positives."),
    ),
    "importance": (
        _("Importance"),
        _(
            "A field's values are shuffled among later customers; what the quality then loses is what the field is"
            " worth. Shown as shares of all losses."
        ),
    ),
    "observed_expected": (
        _("Observed ÷ expected"),
        _(
            "Those who did it, divided by the sum of the chances given. 1 = as many as promised, over 1 more, under 1"
            " fewer; an alarm only when the whole 95 % interval lies off 1."
        ),
    ),
    "out_of_time": (
        _("Out of time"),
        _(
            "Measured on customers of a later date than everything the version learned from, as it will be used."
        ),
    ),
    "rand_index": (
        _("Adjusted Rand index"),
        _(
            "How alike two divisions of the same customers are: 1 = the same groups, 0 = as alike as by chance."
        ),
    ),
    "silhouette": (
        _("Silhouette"),
        _(
            "How much nearer customers are to their own segment than to the next one, −1 to 1. Customers form a cloud,"
            " so 0.1 to 0.3 is usual; it decides only among stable numbers of segments."
        ),
    ),
    "gini": (_("Gini"), _("2 × AUC − 1: 0 is no better than chance, 1 is perfect.")),
    "holdout": (_("Holdout"), _("A random slice of all customers kept out of every campaign for a period.")),
    "holm": (
        _("Holm correction"),
        _("Makes each interval wider when several arms are compared, so that one does not win by luck."),
    ),
    "incremental": (
        _("Incremental"),
        _(
            "Conversions that come only because of the contact: those of the contacted minus those they would have made"
            " anyway, as past campaigns with a control group showed. A number of customers, not money."
        ),
    ),
    "intention_to_treat": (
        _("Intention to treat"),
        _(
            "Everybody assigned counts, reached or not. Leaving out those not reached would flatter the campaign."
        ),
    ),
    "interval": (
        _("95 % interval"),
        _("Values the data are compatible with. When it includes zero, no effect is proved."),
    ),
    "ks": (_("KS"), _("The largest gap between buyers and others found while going down the score. 0 to 1.")),
    "lift": (
        _("Lift"),
        _("Response rate of a decile divided by the average rate. It is not the campaign's effect."),
    ),
    "peers": (
        _("Peers"),
        _(
            "Customers of the same tier and ten-year age band; of a wider group where fewer than 30 share both."
        ),
    ),
    "power": (
        _("Power"),
        _("The chance that the campaign shows an effect of the stated size if there is one."),
    ),
    "product_gap": (
        _("Product gap"),
        _(
            "A product that many peers hold and this customer does not. An observation about peers, not advice."
        ),
    ),
    "propensity": (
        _("Propensity"),
        _("Modelled chance that the customer responds within the stated horizon."),
    ),
    "segment_stability": (
        _("Stability"),
        _(
            "How alike the segments are when they are looked for again in other draws of the same customers: the mean"
            " adjusted Rand index of 20 draws, 1 = the same segments every time, 0 = as by chance."
        ),
    ),
    "prospect": (
        _("Prospect"),
        _(
            "A person on a list from outside who is no customer. Ranked by what the list says alone, and approached"
            " only with a yes."
        ),
    ),
    "psi": (
        _("PSI"),
        _(
            "How far a distribution has moved since training. Over 0.1 look, over 0.25 act; a custom, not a test."
        ),
    ),
    "qini": (
        _("Qini"),
        _("Area between the curve of extra sales, best uplift first, and the line of random order."),
    ),
    "response_rate": (_("Response rate"), _("Responders divided by customers assigned, per cell.")),
    "roi": (_("ROI"), _("(Incremental margin − cost) ÷ cost. 0 means that the campaign paid for itself.")),
    "score": (_("Score"), _("The model's output for one customer at a date.")),
    "shrinkage": (
        _("Shrinkage"),
        _(
            "Small groups are pulled towards the overall effect, so that chance does not make winners and losers."
        ),
    ),
    "srm": (
        _("Sample ratio mismatch"),
        _("The arms differ in size beyond chance from what was designed; then no result can be trusted."),
    ),
    "suppression": (_("Suppression"), _("Must be left out: consent, complaint, risk or employee.")),
    "tier": (_("Tier"), _("The service band that the AUM rules give. It is not a segment.")),
    "confusion": (
        _("What was taken for what"),
        _(
            "Customers counted by what they then chose and by what the model had named likeliest. On the diagonal the"
            " two agree."
        ),
    ),
    "log_loss": (
        _("Log loss"),
        _(
            "Minus the logarithm of the chance that had been given to what was then chosen, averaged: 0 for a seer,"
            " more the less chance was given. It counts sureness and not only who is right."
        ),
    ),
    "preference": (
        _("Preference"),
        _(
            "What a customer is likeliest to choose next, with its chance. A fact says what was chosen most so far by a"
            " stated rule; a model says what is likely. Who did too little gets no answer."
        ),
    ),
    "preference_accuracy": (
        _("Came true"),
        _(
            "Share of customers who chose what the model had named likeliest, among those who chose anything. Held"
            " against naming the commonest answer for everybody, which needs no model."
        ),
    ),
    "uplift_gate": (
        _("Gate of an uplift model"),
        _(
            "Uplift chooses customers only where enough control customers show that its Qini is above zero and above"
            " the response model's on customers neither has seen, both by the lower bound of a 95 % interval."
        ),
    ),
    "universal_control": (
        _("Universal control"),
        _(
            "A random share of all customers, 1 to 5 %, whom no campaign contacts for a period, usually a year. The"
            " rest of the bank less these members is what all campaigns together changed. Service goes on as before."
        ),
    ),
    "uplift": (_("Uplift"), _("Treated rate minus control rate; the only rate that proves an effect.")),
    "waterfall": (
        _("Waterfall"),
        _("How many customers remain after each step of the selection, and why others left."),
    ),
}
