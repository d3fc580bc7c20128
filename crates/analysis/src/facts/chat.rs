//! Functions that a chat calls with what somebody says there.
//!
//! In: the decorators and calls by which libraries of chats take a function. Out: parameters that hold what strangers say.

use std::sync::LazyLock;

use hashbrown::HashSet;

use super::bits::Taint;
use super::builder::{Argument, Builder};
use super::value::Value;

/// Libraries of chats, by the names under which they are imported.
const CHATS: [&str; 31] = [
    "telebot",
    "telegram",
    "telethon",
    "pyrogram",
    "aiogram",
    "discord",
    "nextcord",
    "disnake",
    "hikari",
    "interactions",
    "slack_bolt",
    "slackbot",
    "twitchio",
    "vkbottle",
    "vk_api",
    "pydle",
    "irc",
    "slixmpp",
    "nio",
    "paho.mqtt",
    "discord.js",
    "eris",
    "oceanic.js",
    "node-telegram-bot-api",
    "telegraf",
    "grammy",
    "@slack/bolt",
    "tmi.js",
    "whatsapp-web.js",
    "matrix-js-sdk",
    "irc-framework",
];

/// Parameters of a handler that may hold what somebody said.
const PARAMETERS: usize = 4;

/// One bit for each pair of bytes, hashed, that such a name begins with: most others are told apart by these.
const BEGINS: [u64; 16] = {
    let (mut bits, mut at) = ([0; 16], 0);
    while at < CHATS.len() {
        let bit = pair(CHATS[at].as_bytes()[0], CHATS[at].as_bytes()[1]);
        bits[bit / 64] |= 1 << (bit % 64);
        at += 1;
    }
    bits
};

const fn pair(first: u8, second: u8) -> usize {
    (first as usize * 31 + second as usize) % 1024
}

static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| CHATS.into_iter().collect());

/// True for a dotted name of a library of a chat, whose own name has one dot at most.
pub(super) fn is_chat(path: &str) -> bool {
    let may_be = path.as_bytes().first_chunk().is_some_and(|[first, second]| {
        let bit = pair(*first, *second);
        BEGINS[bit / 64] >> (bit % 64) & 1 == 1
    });
    if !may_be {
        return false;
    }
    let ends = path.match_indices(['.', '(']).map(|(end, _)| end).chain([path.len()]);
    ends.take(2).any(|end| NAMES.contains(&path[..end]))
}

/// What a chat hands to a function.
pub(super) const SAID: Taint = Taint::ORDERED.with(Taint::REMOTE);

impl<'a> Builder<'a> {
    /// A call of a library of a chat: the functions among its arguments are called with what somebody says.
    pub(super) fn give_orders(&mut self, arguments: &[Argument<'a>]) {
        for function in arguments.iter().filter_map(|argument| argument.value.function) {
            self.give(function, 0, &said());
        }
    }

    /// True for a decorator by which a chat takes a function, or a base class whose `on_` methods it calls.
    pub fn takes_orders(&self, value: &Value<'a>) -> bool {
        value.path.as_deref().is_some_and(is_chat)
    }

    /// A parameter of a function that a chat calls.
    pub fn ordered(&self, mut value: Value<'a>) -> Value<'a> {
        value.taint |= SAID;
        value
    }
}

fn said<'a>() -> Vec<Argument<'a>> {
    (0..PARAMETERS).map(|_| Argument { name: None, value: Value::tainted(SAID) }).collect()
}
