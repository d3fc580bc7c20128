//! Who sits where.
//!
//! In: configured models. Out: the seats of both panels, so that the second panel avoids the model families of the first
//! where the configuration allows it.

use sigma_core::Phase;

use crate::model::{ModelConfig, Panels};

/// Indices of the models on each panel, in the order of the configuration.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seating {
    pub first: Vec<usize>,
    pub second: Vec<usize>,
}

/// Seats the models. Who is bound to a panel sits there. The others sit family by family, in the order of the configuration:
/// where their family is bound already, otherwise on the panel with fewer seats. A panel that is left empty although somebody
/// may sit on it takes all who may: a shared family is better than an empty panel, and the ruling says so.
pub(crate) fn seat(models: &[ModelConfig]) -> Seating {
    let mut seating = Seating::default();
    let bound = |phase, panels: Panels| panels != Panels::Either && panels.include(phase);
    let bound_to = |phase, family: &str| models.iter().any(|one| one.family == family && bound(phase, one.panels));
    let mut seen: Vec<&str> = Vec::new();
    for (index, model) in models.iter().enumerate() {
        match model.panels {
            Panels::One => seating.first.push(index),
            Panels::Two => seating.second.push(index),
            Panels::Either => {}
        }
    }
    for model in models.iter().filter(|model| model.panels == Panels::Either) {
        if seen.contains(&model.family.as_str()) {
            continue;
        }
        seen.push(&model.family);
        let family = models.iter().enumerate();
        let family = family.filter(|(_, one)| one.panels == Panels::Either && one.family == model.family);
        let first = match (bound_to(Phase::One, &model.family), bound_to(Phase::Two, &model.family)) {
            (true, _) => true,
            (false, true) => false,
            (false, false) => seating.first.len() <= seating.second.len(),
        };
        let panel = if first { &mut seating.first } else { &mut seating.second };
        panel.extend(family.map(|(index, _)| index));
    }
    for panel in [&mut seating.first, &mut seating.second] {
        if panel.is_empty() {
            panel.extend(
                (0..models.len()).filter(|index| models.get(*index).is_some_and(|one| one.panels == Panels::Either)),
            );
        }
        panel.sort_unstable();
    }
    seating
}
