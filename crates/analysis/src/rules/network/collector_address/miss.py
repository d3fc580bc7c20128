url = "https://discord.com/invite/x"
