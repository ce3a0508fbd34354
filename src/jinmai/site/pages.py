"""The site's own pages: signing in, workbench, search, organisations, accounts, audit."""

from __future__ import annotations

from django.urls import path

from jinmai.site.views import auditing, organisations, search, signing, workbench

app_name = "site"
urlpatterns = [
    path("", workbench.home, name="home"),
    path("tasks/", workbench.task_list, name="tasks"),
    path("search/", search.found, name="search"),
    path("login/", signing.sign_in, name="login"),
    path("logout/", signing.sign_out, name="logout"),
    path("switch/", signing.switch_post, name="switch"),
    path("password/", signing.change_password, name="password"),
    path("language/", signing.choose_language, name="language"),
    path("healthz/", signing.health, name="health"),
    path("organisations/", organisations.organisation_list, name="organisations"),
    path("organisations/<slug:code>/", organisations.organisation_detail, name="organisation"),
    path("accounts/", organisations.account_list, name="accounts"),
    path("accounts/new/", organisations.account_new, name="account_new"),
    path("accounts/<int:pk>/", organisations.account_detail, name="account"),
    path("accounts/<int:pk>/appoint/", organisations.account_appoint, name="account_appoint"),
    path("posts/<int:pk>/dismiss/", organisations.post_dismiss, name="post_dismiss"),
    path("permissions/", organisations.permission_list, name="permissions"),
    path("audit/", auditing.entry_list, name="audit"),
    path("audit/verify/", auditing.verify, name="audit_verify"),
]
