"""Shows a line that is read in another order than it runs:

    if role != "user‮ ⁦# only for those who are admin⁩ ⁦":
"""
NAMES = {"afii61574": "‭", "afii61575": "‮"}
GREETING = "⁧שלום hello world;⁩"
