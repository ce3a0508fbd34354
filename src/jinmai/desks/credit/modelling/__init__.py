"""Models over any labelled table (信用模型): a readable scorecard, a challenger beside it, honest figures and leak alarms.

Everything that looks at the label (bins, order of levels, choice of columns) is fitted inside the folds. What is kept is
rules data and a model card: scoring needs no model library.
"""
