"""Routes of campaigns, one module for each group of pages."""

from django.urls import URLPattern

from campaigns import api_urls, campaign_urls, evaluation_urls, lead_urls

urlpatterns: list[URLPattern] = [
    *api_urls.urlpatterns,
    *campaign_urls.urlpatterns,
    *evaluation_urls.urlpatterns,
    *lead_urls.urlpatterns,
]
