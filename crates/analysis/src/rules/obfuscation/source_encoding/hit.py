# -*- coding: unicode_escape -*-
# \x0aprint("this runs")
