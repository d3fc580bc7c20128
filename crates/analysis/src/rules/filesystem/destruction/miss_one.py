import os


class Storage:
    root = os.getcwd()

    def place(self, name):
        return self.root + name

    def forget(self, name):
        os.remove(self.place(name))

    def forget_folder(self, name):
        os.rmdir(self.place(name))
