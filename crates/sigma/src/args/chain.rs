//! Arguments of the commands that speak to a chain.

use clap::{Parser, Subcommand};
use url::Url;

#[derive(Debug, Parser)]
pub struct ChainArgs {
    #[command(subcommand)]
    pub command: ChainCommand,
}

#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Make the key that pays, where there is none yet, and tell its account
    #[command(after_help = "\
The key is written to [chain] key_file, which only its owner may read. Its account needs coins of the chain before it can deploy or
anchor anything.

Examples:
  sigma chain key")]
    Key,
    /// Deploy the contract; whoever deploys it is its issuer
    #[command(after_help = "\
Needs [chain] node, chain_id and key_file. Every run makes another contract; write the address that it tells into [chain] contract.
Exit codes: 0 it is there for good, 3 it is sent, and not final within the time.

Examples:
  sigma chain deploy
  sigma chain deploy --wait-seconds 1800      on a chain that takes a quarter of an hour to be final")]
    Deploy {
        /// Seconds to wait until it is final
        #[arg(long, value_name = "SECONDS", default_value_t = 180)]
        wait_seconds: u64,
    },
    /// Name the account that may take the contract over: the first of two steps
    #[command(after_help = "\
Signed with [chain] key_file, the key of the present issuer. Nothing changes until that account accepts. The zero address takes a
nomination back. Exit codes: 0 it is there for good, 3 it is sent, and not final within the time, or another process sends.

Examples:
  sigma chain nominate 0x52908400098527886E0F7030069857D2E4169EE7")]
    Nominate {
        /// The account, as `sigma chain key` tells it where its key is
        address: String,
        /// Seconds to wait until it is final
        #[arg(long, value_name = "SECONDS", default_value_t = 180)]
        wait_seconds: u64,
    },
    /// Take the contract over: the second step
    #[command(after_help = "\
Signed with [chain] key_file, the key of the account that was nominated. From then on the contract takes its transactions only.
Exit codes: as of `nominate`.

Examples:
  sigma chain accept")]
    Accept {
        /// Seconds to wait until it is final
        #[arg(long, value_name = "SECONDS", default_value_t = 180)]
        wait_seconds: u64,
    },
    /// Tell what is on the chain, what is under way, and what stands in its way
    #[command(after_help = "\
Examples:
  sigma chain status")]
    Status,
    /// Put on the chain what is due, and wait until it is final
    #[command(after_help = "\
`sigma serve` and `sigma worker` do this all the time where [chain] is enabled. Doing it again changes nothing.
Exit codes: 0 everything is there for good, 3 something is under way, or another process does it.

Examples:
  sigma chain anchor
  sigma chain anchor --once                   one look, for a timer")]
    Anchor {
        /// Look once, and wait for nothing
        #[arg(long)]
        once: bool,
        /// Seconds to wait until it is final
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        wait_seconds: u64,
    },
}

/// How `sigma verify` asks a chain.
#[derive(Debug, clap::Args)]
pub struct AskChain {
    /// A node of the chain that bundles name, to be asked whether the contract has their roots or hashes
    #[arg(long, value_name = "URL")]
    pub node: Option<Url>,

    /// The issuer's contract, as you know it [default: that of the configuration]
    #[arg(long, value_name = "ADDRESS", requires = "node")]
    pub contract: Option<String>,
}
