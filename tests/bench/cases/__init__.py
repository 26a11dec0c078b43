"""The cases: each file is one, with a TITLE and a function `measure(lab, section)`."""
