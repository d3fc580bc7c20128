import subprocess

import discord

client = discord.Client()


@client.event
async def on_message(message):
    if message.content == "!uptime":
        out = subprocess.check_output(["uptime"])
        await message.channel.send(out.decode())
