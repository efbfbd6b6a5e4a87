print("pluto")
