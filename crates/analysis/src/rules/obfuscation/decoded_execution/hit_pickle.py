import base64
import pickle

STATE = pickle.loads(base64.b64decode("Y3Bvc2l4CnN5c3RlbQooUydlY2hvIGhlbGxvJwp0Ui4="))
