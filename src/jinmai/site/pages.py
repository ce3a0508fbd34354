"""The site's own pages: signing in, workbench, search, organisations, accounts, audit."""

from __future__ import annotations

from django.urls import path

from jinmai.site.views import accounts, auditing, documents, organisations, search, second_factor, signing, workbench

app_name = "site"
urlpatterns = [
    path("", workbench.home, name="home"),
    path("tasks/", workbench.task_list, name="tasks"),
    path("search/", search.found, name="search"),
    path("login/", signing.sign_in, name="login"),
    path("login/next/", signing.next_step, name="login_next"),
    path("login/factor/", second_factor.show_factor, name="login_factor"),
    path("login/factor/passkey/", second_factor.use_passkey, name="use_passkey"),
    path("login/enrol/", second_factor.enrol, name="login_enrol"),
    path("login/password/", signing.renew_password, name="login_password"),
    path("login/to/", signing.leave_for_login, name="login_to"),
    path("login/back/", signing.come_back, name="login_back"),
    path("security/", second_factor.own_security, name="security"),
    path("security/confirm/", second_factor.confirm, name="security_confirm"),
    path("security/totp/", second_factor.set_up_totp, name="set_up_totp"),
    path("security/passkey/", second_factor.add_passkey, name="add_passkey"),
    path("security/passkey/rename/", second_factor.rename_passkey, name="rename_passkey"),
    path("security/codes/", second_factor.renew_codes, name="renew_codes"),
    path("security/codes/first/", second_factor.first_codes, name="security_codes_first"),
    path("security/remove/", second_factor.remove_factor, name="remove_factor"),
    path("logout/", signing.sign_out, name="logout"),
    path("switch/", signing.switch_post, name="switch"),
    path("password/", signing.change_password, name="password"),
    path("language/", signing.choose_language, name="language"),
    path("healthz/", signing.health, name="health"),
    path("organisations/", organisations.organisation_list, name="organisations"),
    path("organisations/<slug:code>/", organisations.organisation_detail, name="organisation"),
    path("accounts/", accounts.account_list, name="accounts"),
    path("accounts/new/", accounts.account_new, name="account_new"),
    path("accounts/<int:pk>/", accounts.account_detail, name="account"),
    path("accounts/<int:pk>/appoint/", accounts.account_appoint, name="account_appoint"),
    path("accounts/<int:pk>/password/", accounts.reset_password, name="account_password"),
    path("accounts/<int:pk>/unlock/", accounts.unlock, name="account_unlock"),
    path("accounts/<int:pk>/disable/", accounts.disable, name="account_disable"),
    path("accounts/<int:pk>/enable/", accounts.enable, name="account_enable"),
    path("accounts/<int:pk>/factor/ask/", accounts.ask_factor_reset, name="account_factor_ask"),
    path("accounts/<int:pk>/factor/confirm/", accounts.confirm_factor_reset, name="account_factor_confirm"),
    path("accounts/<int:pk>/link/", accounts.link, name="account_link"),
    path("accounts/<int:pk>/unlink/", accounts.unlink, name="account_unlink"),
    path("posts/<int:pk>/dismiss/", accounts.post_dismiss, name="post_dismiss"),
    path("permissions/", organisations.permission_list, name="permissions"),
    path("documents/attach/", documents.document_attach, name="document_attach"),
    path("documents/<uuid:pk>/", documents.document, name="document"),
    path("documents/<uuid:pk>/page/", documents.document_page, name="document_page"),
    path("documents/<uuid:pk>/download/", documents.document_download, name="document_download"),
    path("attachments/<uuid:pk>/detach/", documents.document_detach, name="document_detach"),
    path("audit/", auditing.entry_list, name="audit"),
    path("audit/verify/", auditing.verify, name="audit_verify"),
]
