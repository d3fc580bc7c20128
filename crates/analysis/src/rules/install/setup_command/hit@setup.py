from setuptools.command.build_ext import build_ext


class Build(build_ext):
    pass
