const heart = "❤️", dash = "–", text = "日本語";
