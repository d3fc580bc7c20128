//! What is paid for gas: as much as blocks ask for now, never more than the operator allows.

/// Wei in a gwei, the unit of settings and messages.
const GWEI: u128 = 1_000_000_000;

/// What a transaction offers for gas (EIP-1559), in wei per gas. The base fee is the chain's, so the most is rarely paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// The most that is paid, the tip included.
    pub most: u128,
    /// What whoever makes the block gets of it.
    pub tip: u128,
}

/// Gas costs more than the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("gas costs too much: got {} gwei, expected at most {} gwei", gwei(*.asked), gwei(*.cap))]
pub struct TooExpensive {
    /// Wei per gas that would have to be paid.
    pub asked: u128,
    /// Wei per gas that may be paid.
    pub cap: u128,
}

/// With as many decimals as there are.
fn gwei(wei: u128) -> String {
    let text = format!("{}.{:09}", wei / GWEI, wei % GWEI);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Fees {
    /// What gets a transaction into one of the next blocks, where the base fee and the usual tip are these: room for the base fee to
    /// double, as far as the cap allows.
    ///
    /// # Errors
    /// When even the next block costs more than the cap.
    pub fn market(base: u128, tip: u128, cap: u128) -> Result<Self, TooExpensive> {
        let asked = base.saturating_add(tip);
        if asked > cap {
            return Err(TooExpensive { asked, cap });
        }
        Ok(Self { most: base.saturating_mul(2).saturating_add(tip).min(cap), tip })
    }

    /// What replaces a transaction that offered `before`: both parts an eighth higher, which is more than the tenth that nodes ask
    /// for, and not below the market.
    ///
    /// # Errors
    /// When that is more than the cap.
    pub fn replacing(self, before: Self, cap: u128) -> Result<Self, TooExpensive> {
        let raised = |wei: u128| wei.saturating_add(wei.div_ceil(8)).max(1);
        let (most, tip) = (self.most.max(raised(before.most)), self.tip.max(raised(before.tip)));
        let most = most.max(tip);
        if most > cap { Err(TooExpensive { asked: most, cap }) } else { Ok(Self { most, tip }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fees(most: u128, tip: u128) -> Fees {
        Fees { most, tip }
    }

    #[test]
    fn the_market_has_room_up_to_the_cap() {
        assert_eq!(Fees::market(100, 3, 1000), Ok(fees(203, 3)));
        assert_eq!(Fees::market(100, 3, 150), Ok(fees(150, 3)));
        assert_eq!(Fees::market(100, 3, 103), Ok(fees(103, 3)));
        assert_eq!(Fees::market(100, 3, 102), Err(TooExpensive { asked: 103, cap: 102 }));
        assert_eq!(Fees::market(u128::MAX, 1, 9), Err(TooExpensive { asked: u128::MAX, cap: 9 }));
    }

    #[test]
    fn a_replacement_offers_more_of_both() {
        assert_eq!(fees(203, 3).replacing(fees(203, 3), 1000), Ok(fees(229, 4)));
        assert_eq!(fees(900, 30).replacing(fees(203, 3), 1000), Ok(fees(900, 30)), "the market rose more");
        assert_eq!(fees(8, 0).replacing(fees(8, 0), 1000), Ok(fees(9, 1)));
        let error = fees(1, 1).replacing(fees(8 * GWEI, GWEI), 8 * GWEI + 1).unwrap_err();
        assert_eq!(error.to_string(), "gas costs too much: got 9 gwei, expected at most 8.000000001 gwei");
    }
}
