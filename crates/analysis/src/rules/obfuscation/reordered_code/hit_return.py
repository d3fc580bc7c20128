def withdraw(bank, amount):
    '''Takes what is asked for from the account ⁧''' ;return
    bank.balance -= amount
