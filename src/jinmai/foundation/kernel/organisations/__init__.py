"""Who signs in for whom: the tree of organisations (机构树), regions (区划) and leading offices (牵头单位) as data."""
