"""The `vt` engine: a terminal written for speed in pure Python.

What makes it fast: one pattern whose alternatives are whole tokens (`engine`); every control sequence is looked up as a
whole, once compiled (`sequences`), and a pen knows the pens that follow it (`pens`); a row being written left to right
is a list of runs, and becomes cells only when it is edited elsewhere (`row`); blank rows are shared; a block of plain
lines goes to history as it came (`lines`).
"""
