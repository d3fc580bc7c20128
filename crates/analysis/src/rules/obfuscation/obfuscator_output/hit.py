lIlIIlIlIlllIIII = 0
lIlIIlIlIllIllIl = 1
lIlIIlIlIllIIllI = 2
lIlIIlIlIlIIIlll = 3
lIlIIlIlIlIlIlll = 4
lIlIIlIlIlIlIIIl = 5
lIlIIlIlIlIIlIll = 6
lIlIIlIlIlIIlIIl = 7
lIlIIlIlIlIllIll = 8
lIlIIlIlIllIllIl = 9
lIlIIlIlIllIIIIl = 10
lIlIIlIlIlIIIllI = 11
print(lIlIIlIlIlllIIII + lIlIIlIlIllIllIl + lIlIIlIlIllIIllI + lIlIIlIlIlIIIlll + lIlIIlIlIlIlIlll + lIlIIlIlIlIlIIIl + lIlIIlIlIlIIlIll + lIlIIlIlIlIIlIIl + lIlIIlIlIlIllIll + lIlIIlIlIllIllIl + lIlIIlIlIllIIIIl + lIlIIlIlIlIIIllI)
