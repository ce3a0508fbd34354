"""What every room stands on: who facts are about, who signs in, who may do what, what was done, by when.

The kernel holds subjects (主体), organisations (机构树), access (账号、角色、权限), audit (审计链), consent
(授权与查阅) and work (待办与时限), and the pure modules money, dates, ids, errors and clock. It knows no desk.
"""
