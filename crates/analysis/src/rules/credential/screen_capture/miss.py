from PIL import Image

Image.open("a.png").save("b.png")
