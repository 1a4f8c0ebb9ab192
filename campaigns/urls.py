"""Routes of campaigns, one module for each group of pages."""

from django.urls import URLPattern

from campaigns import evaluation_urls, lead_urls

urlpatterns: list[URLPattern] = [*evaluation_urls.urlpatterns, *lead_urls.urlpatterns]
