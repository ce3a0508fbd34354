"""融资对接: a firm states what money it needs (融资需求), sees every product answered clause by clause without anybody being told, and
sends its need to the institutions it chose or to the open pool (待抢池). Each referral order (对接单) is taken by one institution, which
contacts the firm, asks for papers, and grants terms (授信) or gives a coded reason; what is accepted is disbursed (放款)."""
