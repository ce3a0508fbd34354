"""股权穿透 (ownership): who holds a firm in the end, how much, and who controls it; from a list of holders and shares.

What a figure means
-------------------
A is the table of direct shares, a_ij what i holds of j. ``integrated`` (综合持股比例) is the integrated ownership of
Brioschi, Buzzacchi and Colombo (1989), Y = A + A² + A³ + … = (I − A)⁻¹A: the sum over all chains of holdings from i to
j of the product of their shares. Chains through cross-holdings and through the owner itself count each time round.
Baldone, Brioschi and Paleari (1998) count a chain only until it comes back to its owner; theirs follows from ours, since
z_ij = y_ij / (1 + y_ii), and is the same for every owner whom no chain leads back to, hence for every person.

Own shares (a loop, i holds i) stay in A. For everybody else that is the same as withdrawing them: y_ij = a_ij / (1 − a_jj)
where j holds a_jj of itself. A pair (i, i) says how much of a firm comes back to it; it is listed, but nobody is a
firm's controller or final holder through such a pair.

A missing share is unknown: it is counted, and adds nothing to a figure, which then is what is known at least. Sums above
100 % are listed by company and used as they stand. Where a component has no sum of chains (a ring of 100 % with nobody
outside, or sums above 100 % that grow round by round) it is listed as unsolved, and its members are dead ends: chains
end at them and none goes on. Shares are read to 15 decimals.

Rooms: ``edges`` reads, ``exact`` is the slow twin in fractions, ``kernel`` and ``solving`` are the fast one,
``integrated`` decides who reaches a threshold, ``control`` says who controls, ``bods`` writes statements.
"""
