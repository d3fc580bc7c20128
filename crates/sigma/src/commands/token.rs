//! `sigma token`: who may use the developer plane.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use sigma_core::{Timestamp, printable};
use sigma_store::{Secret, Store, Token};

use crate::args::{Args, Format, TokenArgs, TokenCommand};
use crate::{Outcome, render, wire};

/// Runs the command. A prefix that no living token has is exit code 3.
pub async fn run(args: &Args, command: &TokenArgs) -> Result<Outcome> {
    let store = wire::store(&wire::config(args)?).await?;
    match &command.command {
        TokenCommand::Create { owner, scopes, days, format } => {
            let now = wire::now();
            let end = now.as_millis() + i64::from(*days) * 24 * 3_600_000;
            let token = Token {
                prefix: String::new(),
                scopes: scopes.iter().copied().collect(),
                owner: owner.clone(),
                created_at: now,
                expires_at: Timestamp::from_millis(end),
                revoked_at: None,
                last_used_at: None,
            };
            let (secret, token) = create(&store, token).await?;
            created(&secret, &token, *format)?;
        }
        TokenCommand::List { format } => {
            let tokens = store.tokens().await?;
            let now = wire::now();
            super::print(&match format {
                Format::Json => format!("{:#}\n", Value::from_iter(tokens.iter().map(|token| view(token, now)))),
                Format::Table | Format::Markdown => render::operator::tokens(&tokens, now),
            })?;
        }
        TokenCommand::Revoke { prefix } => {
            if !store.revoke_token(prefix, wire::now()).await? {
                eprintln!("no token {} that is not revoked yet; see `sigma token list`", printable(prefix, 40));
                return Ok(Outcome::Undecided);
            }
            super::print(&format!("{prefix} is revoked\n"))?;
        }
    }
    Ok(Outcome::Pass)
}

/// Draws secrets until one has a prefix of its own.
async fn create(store: &Store, token: Token) -> Result<(Secret, Token)> {
    for _ in 0..10 {
        let mut random = [0; 32];
        getrandom::fill(&mut random).context("the operating system gives no random bytes")?;
        let secret = Secret::of(random);
        let token = Token { prefix: secret.prefix().to_owned(), ..token.clone() };
        if store.add_token(&secret, &token).await? {
            return Ok((secret, token));
        }
    }
    anyhow::bail!("ten secrets in a row had the prefix of another token: the random bytes are not random")
}

/// The secret goes to standard output, alone, so that it can be piped into a secret store; the rest is for the reader.
fn created(secret: &Secret, token: &Token, format: Format) -> Result<()> {
    if format == Format::Json {
        let mut view = view(token, token.created_at);
        view["token"] = json!(secret.expose());
        super::print(&format!("{view:#}\n"))?;
        return Ok(());
    }
    super::print(&format!("{}\n", secret.expose()))?;
    eprintln!(
        "{} for {}, until {}. It is shown this once and stored nowhere.",
        token.prefix, token.owner, token.expires_at
    );
    Ok(())
}

fn view(token: &Token, now: Timestamp) -> Value {
    json!({
        "prefix": token.prefix,
        "owner": token.owner,
        "scopes": token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "status": render::operator::token_status(token, now),
        "createdAt": token.created_at,
        "expiresAt": token.expires_at,
        "revokedAt": token.revoked_at,
        "lastUsedAt": token.last_used_at,
    })
}
