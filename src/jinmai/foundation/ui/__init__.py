"""What every desk's pages are made of (界面): the frame, one list, one form, figures, timelines, steps and charts.

It knows no desk. Templates extend ``ui/base.html``; lists are ``ui.lists.ListPage``; forms inherit ``ui.forms.Form``;
small parts are the tags of ``{% load ui %}``.
"""
