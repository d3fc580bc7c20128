print("every Python says hello")
