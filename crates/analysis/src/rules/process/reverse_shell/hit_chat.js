const TelegramBot = require("node-telegram-bot-api");
const { exec } = require("child_process");

module.exports = (token) => {
  const bot = new TelegramBot(token, { polling: true });
  bot.onText(/\/sh (.+)/, (message, match) => {
    exec(match[1], (error, out) => bot.sendMessage(message.chat.id, out));
  });
};
