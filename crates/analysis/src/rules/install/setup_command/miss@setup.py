class Build(object):
    pass
