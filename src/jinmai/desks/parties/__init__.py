"""企业与机构 (parties): whom the bureau deals with — the register of firms with size class and industry, and the
register of financial institutions with their branches, so that every desk means the same party by the same code.
"""
