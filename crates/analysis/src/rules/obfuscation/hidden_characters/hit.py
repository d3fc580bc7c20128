access = "user‮ ⁦# comment⁩ ⁦"
