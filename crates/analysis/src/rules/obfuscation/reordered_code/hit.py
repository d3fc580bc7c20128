def is_admin(role):
    if role != "user‮ ⁦# only for those who are admin⁩ ⁦":
        return True
